//! A server under test as a process of its own: started, watched, ended. It does not outlive its owner.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::BenchError;

/// How long a server may take to get ready: a fresh database is made meanwhile.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long it may take to end; its own grace is ten seconds.
const ENDED_WITHIN: Duration = Duration::from_secs(20);
/// Lines of its log that are kept for an error message.
const KEPT_LINES: usize = 50;

/// An address where nobody listens, for peers that a benchmark is not about.
pub(super) const NOBODY: &str = "http://127.0.0.1:1";

/// How to start this program as a server.
pub(super) struct Launch {
    name: &'static str,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Launch {
    /// This very program with `arguments`, listening on a free port of this machine.
    pub(super) fn new(name: &'static str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().chain(&["--listen", "127.0.0.1:0"]);
        Self {
            name,
            arguments: arguments.map(|argument| (*argument).to_owned()).collect(),
            environment: Vec::new(),
        }
    }

    pub(super) fn argument(mut self, flag: &str, value: impl ToString) -> Self {
        self.arguments.extend([flag.to_owned(), value.to_string()]);
        self
    }

    pub(super) fn setting(mut self, variable: &'static str, value: impl ToString) -> Self {
        self.environment.push((variable, value.to_string()));
        self
    }

    /// Starts it and waits until it is ready.
    pub(super) async fn start(self) -> Result<Child, BenchError> {
        let failed = |why: String| BenchError::Child { name: self.name, why, log: String::new() };
        let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
        let mut command = Command::new(program);
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // Settings of whoever runs the benchmark are not those of the servers under test.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ORDERMESH_") {
                command.env_remove(name);
            }
        }
        command.env("ORDERMESH_LOG__FORMAT", "json").envs(self.environment);
        let mut process = command.spawn().map_err(|error| failed(error.to_string()))?;
        let (ready, is_ready) = oneshot::channel();
        let log = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(stderr) = process.stderr.take() {
            let log = log.clone();
            std::thread::spawn(move || watch(BufReader::new(stderr), ready, &log));
        }
        let mut child = Child { name: self.name, process, log, address: String::new() };
        child.address = match tokio::time::timeout(READY_WITHIN, is_ready).await {
            Ok(Ok(address)) => address,
            Ok(Err(_)) => return Err(child.failed("it ended instead of getting ready".to_owned())),
            Err(_) => return Err(child.failed(format!("it was not ready within {READY_WITHIN:?}"))),
        };
        Ok(child)
    }
}

/// Reads the log to its end, so that the child never waits for its reader; tells when the server is ready.
fn watch(stderr: impl BufRead, ready: oneshot::Sender<String>, log: &Mutex<VecDeque<String>>) {
    let mut ready = Some(ready);
    // An unreadable line is no reason to stop: it comes with the process's end.
    for line in stderr.lines().map_while(Result::ok) {
        let fields: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if fields["message"] == "ready"
            && let (Some(address), Some(ready)) = (fields["listen"].as_str(), ready.take())
        {
            // Nobody waits any more when the benchmark is ending.
            let _ = ready.send(address.to_owned());
        }
        if fields["level"] != "INFO" {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_back(line);
            while log.len() > KEPT_LINES {
                log.pop_front();
            }
        }
    }
}

/// A running server; killed when it is dropped.
pub(super) struct Child {
    name: &'static str,
    process: std::process::Child,
    log: Arc<Mutex<VecDeque<String>>>,
    address: String,
}

impl Child {
    /// Its URL.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// An error of this server, with what it has logged beside the ordinary.
    pub(super) fn failed(&self, why: String) -> BenchError {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let log = log.iter().fold(String::new(), |all, line| all + "\n  " + line);
        BenchError::Child { name: self.name, why, log }
    }

    /// Ends it gracefully. A server that does not end well has not been measured well.
    pub(super) async fn stop(mut self) -> Result<(), BenchError> {
        let signalled = i32::try_from(self.pid()).map(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM));
        if !matches!(signalled, Ok(Ok(()))) {
            return Err(self.failed(format!("it cannot be signalled: {signalled:?}")));
        }
        let status = self.ended().await?;
        match status.success() {
            true => Ok(()),
            false => Err(self.failed(format!("it ended with {status}"))),
        }
    }

    async fn ended(&mut self) -> Result<ExitStatus, BenchError> {
        let deadline = Instant::now() + ENDED_WITHIN;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < deadline => sleep(Duration::from_millis(5)).await,
                Ok(None) => return Err(self.failed(format!("it did not end within {ENDED_WITHIN:?}"))),
                Err(error) => return Err(self.failed(error.to_string())),
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Errors mean that it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
