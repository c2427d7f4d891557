//! The real program as a process of its own: started on port 0, killed or ended, started again on the same data.

mod process;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use ordermesh_proto::feed::v1::consumer_service_client::ConsumerServiceClient;
use ordermesh_proto::feed::v1::projection_service_client::ProjectionServiceClient;
use ordermesh_proto::inventory::v1::inventory_command_service_client::InventoryCommandServiceClient;
use ordermesh_proto::inventory::v1::inventory_query_service_client::InventoryQueryServiceClient;
use ordermesh_proto::order::v1::order_command_service_client::OrderCommandServiceClient;
use ordermesh_proto::order::v1::order_event_service_client::OrderEventServiceClient;
use ordermesh_proto::order::v1::order_query_service_client::OrderQueryServiceClient;
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::{backend, client, eventually};
use process::Process;

pub use process::Finished;

/// A free port of this machine alone.
const ANY_PORT: &str = "127.0.0.1:0";
/// An address where nobody listens: no program gets the port 1 without asking for it.
const NOBODY: &str = "http://127.0.0.1:1";

/// How to start the program. Variables of the test's own environment that would be settings are taken out.
#[derive(Debug, Clone)]
#[must_use]
pub struct Launch {
    binary: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    directory: Option<PathBuf>,
    listen: Option<String>,
    /// What stands for its databases, see [`crate::backend`].
    data: Option<PathBuf>,
}

impl Launch {
    /// The program with these arguments and nothing else, such as `config`.
    pub fn program(binary: &str, arguments: &[&str]) -> Self {
        Self {
            binary: binary.into(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            environment: Vec::new(),
            directory: None,
            listen: None,
            data: None,
        }
    }

    /// Every server of the platform in one process, on port 0.
    pub fn dev(binary: &str, data: &Path) -> Self {
        Self::program(binary, &["dev"]).listen(ANY_PORT).data(data)
    }

    /// The two order servers in one process, on port 0: for what is about feeds, logs and read models rather than about the
    /// life of an order. Nobody reserves or charges anything, so that an order stays as it was placed.
    pub fn orders(binary: &str, data: &Path) -> Self {
        Self::program(binary, &["serve", "order-command", "order-query"])
            .listen(ANY_PORT)
            .data(data)
            .env("ORDERMESH_PEERS__INVENTORY", NOBODY)
            .env("ORDERMESH_PEERS__PAYMENT", NOBODY)
    }

    /// One server such as `order-command`, on port 0.
    pub fn serve(binary: &str, name: &str, data: &Path) -> Self {
        let launch = Self::program(binary, &["serve", name]).listen(ANY_PORT).data(data);
        ["ORDER_COMMAND", "INVENTORY", "PAYMENT"]
            .iter()
            .fold(launch, |launch, peer| launch.env(&format!("ORDERMESH_PEERS__{peer}"), NOBODY))
    }

    /// One replica of `order-command` on a PostgreSQL database, on port 0.
    pub fn replica(binary: &str, database_url: &str) -> Self {
        Self::program(binary, &["serve", "order-command"])
            .listen(ANY_PORT)
            .env("ORDERMESH_ORDER_COMMAND__DATABASE_URL", database_url)
            .env("ORDERMESH_PEERS__INVENTORY", NOBODY)
            .env("ORDERMESH_PEERS__PAYMENT", NOBODY)
    }

    fn data(mut self, directory: &Path) -> Self {
        self.data = Some(directory.to_owned());
        self.arg("--data").arg(&directory.display().to_string())
    }

    /// One more argument.
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// One more variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where it listens, such as a former run's address, so that clients find it again.
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = Some(address.to_owned());
        self
    }

    /// Its working directory.
    pub fn directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// Starts it and waits until it is ready; panics with its log when it does not come up.
    pub async fn start(self) -> Server {
        let launch = self.with_databases().await;
        let (process, ready) = launch.spawn_ready().await;
        Server { launch, process, ready, scratch: None }
    }

    /// Runs it to its end, for a program that answers or refuses to start.
    pub async fn finish(self) -> Finished {
        let launch = self.with_databases().await;
        let mut process = launch.spawn();
        eventually!(process.ended(), "{launch:?} ends by itself");
        process.finished()
    }

    /// Starts it and kills it (SIGKILL) after a while, ready or not.
    pub async fn start_and_kill(self, after: Duration) {
        let mut process = self.with_databases().await.spawn();
        crate::wait::pause(after).await;
        process.kill();
    }

    /// The same with the databases of this run's backend; what the test itself has set wins.
    async fn with_databases(mut self) -> Self {
        if let Some(data) = &self.data {
            let own = std::mem::take(&mut self.environment);
            self.environment = backend::variables(data).await;
            self.environment.extend(own);
        }
        self
    }

    fn spawn(&self) -> Process {
        let mut command = std::process::Command::new(&self.binary);
        command.args(&self.arguments);
        if let Some(address) = &self.listen {
            command.args(["--listen", address]);
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ORDERMESH_") {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Process::spawn(command)
    }

    /// A process that is ready, or what one said that ended instead.
    async fn try_start(&self) -> Result<(Process, Ready), String> {
        let mut process = self.spawn();
        let ready = eventually!(
            match Ready::find(&process.stderr()) {
                Some(ready) => Ok(Some(ready)),
                None if process.ended().is_ok() => Ok(None),
                None => Err(process.stderr()),
            },
            "{self:?} gets ready"
        );
        match ready {
            Some(ready) => Ok((process, ready)),
            None => Err(format!("{self:?} ended instead of getting ready: {:#?}", process.finished())),
        }
    }

    async fn spawn_ready(&self) -> (Process, Ready) {
        self.try_start().await.unwrap_or_else(|why| panic!("{why}"))
    }
}

/// Where a server can be reached, as its log says.
#[derive(Debug, Clone)]
struct Ready {
    listen: String,
    health: String,
}

impl Ready {
    fn find(log: &str) -> Option<Self> {
        let ready = |line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            let text = |key: &str| line[key].as_str().map(ToOwned::to_owned);
            (line["message"] == "ready").then_some(Self { listen: text("listen")?, health: text("health")? })
        };
        log.lines().find_map(ready)
    }
}

/// A running program; killed when it is dropped.
#[derive(Debug)]
pub struct Server {
    launch: Launch,
    process: Process,
    ready: Ready,
    /// Its data directory, when nobody else keeps it.
    scratch: Option<TempDir>,
}

/// How a program ended that was asked to.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Its exit code; none when a signal killed it.
    pub code: Option<i32>,
    /// From the signal to the end.
    pub took: Duration,
}

impl Server {
    /// Every server of the platform in one process.
    pub async fn dev(binary: &str, data: &Path) -> Self {
        Launch::dev(binary, data).start().await
    }

    /// The two order servers in one process.
    pub async fn orders(binary: &str, data: &Path) -> Self {
        Launch::orders(binary, data).start().await
    }

    /// One server such as `order-command`.
    pub async fn serve(binary: &str, name: &str, data: &Path) -> Self {
        Launch::serve(binary, name, data).start().await
    }

    /// The two order servers on a new data directory that goes with it.
    pub async fn scratch(binary: &str) -> Self {
        Self::scratch_with(binary, |launch| launch).await
    }

    /// The same with changes to how it is started.
    pub async fn scratch_with(binary: &str, change: impl FnOnce(Launch) -> Launch) -> Self {
        let data = TempDir::new().expect("a temporary directory can be made");
        let mut server = change(Launch::orders(binary, data.path())).start().await;
        server.scratch = Some(data);
        server
    }

    /// Every server of the platform on a new data directory that goes with it, without sample stock.
    pub async fn shop(binary: &str) -> Self {
        let data = TempDir::new().expect("a temporary directory can be made");
        let mut server = Launch::dev(binary, data.path()).arg("--bare").start().await;
        server.scratch = Some(data);
        server
    }

    /// Address and port of the gRPC server.
    pub fn addr(&self) -> &str {
        &self.ready.listen
    }

    /// Address and port of the health listener; empty when there is none.
    pub fn health_addr(&self) -> &str {
        &self.ready.health
    }

    /// What it has logged since it was started last, one JSON object a line.
    pub fn stderr(&self) -> String {
        self.process.stderr()
    }

    /// What it has printed since it was started last.
    pub fn stdout(&self) -> String {
        self.process.stdout()
    }

    /// A file of the scratch directory.
    pub fn data(&self, file: &str) -> PathBuf {
        let directory = self.scratch.as_ref().expect("only a scratch server knows its data directory");
        directory.path().join(file)
    }

    /// Whether the program has ended, by itself or by a signal.
    pub fn has_ended(&mut self) -> bool {
        self.process.ended().is_ok()
    }

    /// SIGKILL: the end without any warning.
    pub fn kill9(&mut self) {
        self.process.kill();
    }

    /// SIGSTOP: it stays connected and does nothing.
    pub fn freeze(&self) {
        self.process.signal(Signal::SIGSTOP);
    }

    /// SIGCONT after [`Server::freeze`].
    pub fn thaw(&self) {
        self.process.signal(Signal::SIGCONT);
    }

    /// SIGTERM: the graceful end.
    pub async fn terminate(&mut self) -> Ended {
        let start = Instant::now();
        self.process.terminate();
        eventually!(self.process.ended(), "the program ends after SIGTERM");
        let took = start.elapsed();
        Ended { code: self.process.finished().code, took }
    }

    /// Kills it if it still runs and starts it again on the same data, at a new port: while it was away, another
    /// process may have taken the old one.
    pub async fn start_again(&mut self) {
        self.kill9();
        (self.process, self.ready) = self.launch.spawn_ready().await;
    }

    /// The same at the old port, for clients that keep an address.
    pub async fn start_again_here(&mut self) {
        self.kill9();
        let launch = self.launch.clone().listen(&self.ready.listen);
        // Anybody's connection may have been given the port meanwhile; it is free again when that one ends.
        (self.process, self.ready) = eventually!(launch.try_start().await, "the old port is free");
    }

    /// The same with other variables, which stay.
    pub async fn start_again_with(&mut self, variables: &[(&str, &str)]) {
        for (name, value) in variables {
            self.launch = self.launch.clone().env(name, value);
        }
        self.start_again_here().await;
    }

    /// A client of the commands with a connection of its own.
    pub fn commands(&self) -> OrderCommandServiceClient<Channel> {
        client::commands(self.addr())
    }

    /// A client of the queries with a connection of its own.
    pub fn queries(&self) -> OrderQueryServiceClient<Channel> {
        client::queries(self.addr())
    }

    /// A client of the order feed with a connection of its own.
    pub fn events(&self) -> OrderEventServiceClient<Channel> {
        client::events(self.addr())
    }

    /// A client of the commands of inventory with a connection of its own.
    pub fn stock_commands(&self) -> InventoryCommandServiceClient<Channel> {
        client::stock_commands(self.addr())
    }

    /// A client of the queries of inventory with a connection of its own.
    pub fn stock_queries(&self) -> InventoryQueryServiceClient<Channel> {
        client::stock_queries(self.addr())
    }

    /// A client of the consumers with a connection of its own.
    pub fn consumers(&self) -> ConsumerServiceClient<Channel> {
        client::consumers(self.addr())
    }

    /// A client of the projections with a connection of its own.
    pub fn projections(&self) -> ProjectionServiceClient<Channel> {
        client::projections(self.addr())
    }
}
