//! One server: made once, started and ended as often as one likes, on the same port and data.

use std::fs::{self, File, TryLockError};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::process::{children, signal};
use crate::{Binaries, ClusterError, Owner};

/// The superuser of every cluster.
const USER: &str = "ordermesh";
/// A start that recovers from a kill, or an end that writes everything down, takes no longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest path of a unix socket, less the name of the socket itself.
const LONGEST_SOCKET_FOLDER: usize = 80;

/// A PostgreSQL server; it ends when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    binaries: Binaries,
    owner: Owner,
    home: PathBuf,
    port: u16,
    server: Option<Child>,
    /// Keeps other processes away from the folder.
    _lock: File,
    /// The folder, when it goes with the cluster.
    _scratch: Option<TempDir>,
}

impl Cluster {
    /// A running server in a temporary folder, which is removed with it.
    pub fn temporary() -> Result<Self, ClusterError> {
        let scratch = tempfile::Builder::new().prefix("ordermesh-postgres-").tempdir();
        let scratch = scratch.map_err(ClusterError::io("a temporary folder cannot be made"))?;
        let mut cluster = Self::at(scratch.path())?;
        cluster._scratch = Some(scratch);
        Ok(cluster)
    }

    /// A running server in a folder; its data is made there when it is not there yet.
    pub fn at(home: &Path) -> Result<Self, ClusterError> {
        let (binaries, owner) = (Binaries::find()?, Owner::find()?);
        let failed = |error| ClusterError::Io { what: format!("{} cannot be made", home.display()), error };
        fs::create_dir_all(home).map_err(failed)?;
        let home = home.canonicalize().map_err(failed)?;
        owner.give(&home)?;
        let lock = lock(&home)?;
        let port = free_port()?;
        let mut cluster = Self { binaries, owner, home, port, server: None, _lock: lock, _scratch: None };
        match Self::is_at(&cluster.home) {
            true => cluster.end_orphan()?,
            false => cluster.make()?,
        }
        cluster.start()?;
        Ok(cluster)
    }

    /// Whether a folder holds the data of a server.
    pub fn is_at(home: &Path) -> bool {
        data(home).join("PG_VERSION").exists()
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    /// Makes a database unless it is there.
    pub fn create_database(&self, name: &str) -> Result<(), ClusterError> {
        let psql = |sql: &str| {
            let mut psql = self.binaries.command("psql");
            psql.args(["--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url("postgres")]);
            self.finish("psql", psql)
        };
        let there = psql(&format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"))?;
        if there.trim().is_empty() {
            psql(&format!(r#"CREATE DATABASE "{name}""#))?;
        }
        Ok(())
    }

    /// Starts the server again after its end, on the same port and data, and waits until it takes connections.
    /// Nothing when it runs.
    pub fn start(&mut self) -> Result<(), ClusterError> {
        if self.server.is_some() {
            return Ok(());
        }
        let log = File::options().create(true).append(true).open(self.home.join("log"));
        let log = log.map_err(ClusterError::io("the server's log cannot be opened"))?;
        let errors = log.try_clone().map_err(ClusterError::io("the server's log cannot be opened"))?;
        let mut server = self.binaries.command("postgres");
        let home = self.home.to_string_lossy();
        let sockets = if home.len() < LONGEST_SOCKET_FOLDER { &*home } else { "" };
        server.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-k", sockets]);
        for setting in ["listen_addresses=127.0.0.1", "max_connections=300", "max_wal_size=4GB"] {
            server.args(["-c", setting]);
        }
        // Ctrl-C on a terminal is for whoever uses the server; it goes when they are done with it.
        server.process_group(0).stdin(Stdio::null()).stdout(log).stderr(errors);
        let server =
            self.owner.run(server).spawn().map_err(ClusterError::io("postgres cannot be started"))?;
        self.server = Some(server);
        self.wait_until_ready()
    }

    /// Ends the server well, whoever is still connected (a "fast" shutdown).
    pub fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        signal(server.id(), Signal::SIGCONT);
        signal(server.id(), Signal::SIGINT);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if !matches!(server.try_wait(), Ok(None)) {
                return;
            }
            pause();
        }
        self.server = Some(server);
        self.kill();
    }

    /// SIGKILL for all its processes at once, as when the machine goes down.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // A stopped parent starts no further children.
        signal(server.id(), Signal::SIGSTOP);
        let children = children(server.id());
        children.iter().for_each(|child| signal(*child, Signal::SIGKILL));
        signal(server.id(), Signal::SIGKILL);
        let _ = server.wait();
        // A new server refuses the folder while an old process still holds the shared memory.
        let gone = |child: &u32| !Path::new(&format!("/proc/{child}")).exists();
        let deadline = Instant::now() + PATIENCE;
        while !children.iter().all(gone) && Instant::now() < deadline {
            pause();
        }
    }

    /// SIGSTOP for all its processes: connections stay open, and nobody answers.
    pub fn freeze(&self) {
        self.signal_all(Signal::SIGSTOP);
    }

    /// SIGCONT after [`Cluster::freeze`].
    pub fn thaw(&self) {
        self.signal_all(Signal::SIGCONT);
    }

    fn signal_all(&self, what: Signal) {
        let Some(server) = &self.server else { return };
        signal(server.id(), what);
        children(server.id()).into_iter().for_each(|child| signal(child, what));
    }

    fn data(&self) -> PathBuf {
        data(&self.home)
    }

    fn make(&self) -> Result<(), ClusterError> {
        let mut initdb = self.binaries.command("initdb");
        initdb.arg("-D").arg(self.data()).args([
            "-U",
            USER,
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
        ]);
        let made = self.finish("initdb", initdb);
        made.map(drop).map_err(|error| match (self.owner, error) {
            (Owner::Other { uid, .. }, ClusterError::Failed { program, output }) => ClusterError::Failed {
                program,
                output: format!(
                    "{output}\n(PostgreSQL refuses root, so it runs as user {uid}, who must be able to reach {}; choose \
                     another folder or run as another user)",
                    self.home.display()
                ),
            },
            (_, error) => error,
        })
    }

    /// Ends a server that a killed process has left behind. It is nobody's: we have the lock.
    fn end_orphan(&self) -> Result<(), ClusterError> {
        let mut status = self.binaries.command("pg_ctl");
        status.arg("status").arg("-D").arg(self.data());
        let status = self.owner.run(status).output().map_err(ClusterError::io("pg_ctl cannot be started"))?;
        if !status.status.success() {
            return Ok(());
        }
        let mut stop = self.binaries.command("pg_ctl");
        stop.args(["stop", "-m", "fast", "-w"]).arg("-D").arg(self.data());
        self.finish("pg_ctl", stop).map(drop)
    }

    fn wait_until_ready(&mut self) -> Result<(), ClusterError> {
        let deadline = Instant::now() + PATIENCE;
        while let Some(server) = &mut self.server {
            let id = server.id().to_string();
            let ended = !matches!(server.try_wait(), Ok(None));
            // The first line is the process, which may be of a former one; the last its state.
            let state = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
            let mut lines = state.lines();
            if lines.next() == Some(&id) && lines.next_back().is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            if ended || Instant::now() > deadline {
                break;
            }
            pause();
        }
        self.kill();
        Err(ClusterError::Failed { program: "postgres", output: self.log() })
    }

    fn finish(&self, program: &'static str, command: Command) -> Result<String, ClusterError> {
        let output = self.owner.run(command).stdin(Stdio::null()).output();
        let output = output.map_err(ClusterError::io(format!("{program} cannot be started")))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => {
                let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(ClusterError::Failed { program, output })
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        match self._scratch {
            // Nobody will read the data again.
            Some(_) => self.kill(),
            None => self.stop(),
        }
    }
}

fn data(home: &Path) -> PathBuf {
    home.join("data")
}

fn lock(home: &Path) -> Result<File, ClusterError> {
    let failed = ClusterError::io(format!("{} cannot be locked", home.display()));
    let file = File::create(home.join("lock"));
    let Ok(file) = file else { return file.map_err(failed) };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ClusterError::InUse(home.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// A port that nobody listens on now; it stays the cluster's own over kills and starts.
fn free_port() -> Result<u16, ClusterError> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    port.map(|address| address.port()).map_err(ClusterError::io("no port is free"))
}

/// Between two looks at a process.
#[expect(
    clippy::disallowed_methods,
    reason = "callers are on a thread of their own, and processes cannot be waited for"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
