//! A PostgreSQL server of a test's own, to be killed, frozen and started again on the same port and data.

use ordermesh_cluster::Cluster;

use crate::backend::{create_database, fresh_name};

/// A server that goes with the test.
#[derive(Debug)]
pub struct Postgres(Option<Cluster>);

impl Postgres {
    /// A running server in a temporary folder.
    pub async fn start() -> Self {
        let cluster = tokio::task::spawn_blocking(Cluster::temporary).await.expect("a start does not panic");
        Self(Some(cluster.unwrap_or_else(|error| panic!("no PostgreSQL: {error}"))))
    }

    /// The URL of a new, empty database.
    pub async fn database(&self, what: &str) -> String {
        create_database(&self.url("postgres"), &fresh_name(what)).await
    }

    /// The URL of a database by its name.
    pub fn url(&self, name: &str) -> String {
        self.cluster().url(name)
    }

    /// SIGKILL for all processes of the server at once.
    pub async fn kill9(&mut self) {
        self.change(Cluster::kill).await;
    }

    /// Starts it again on the same port and data; ready when this returns.
    pub async fn start_again(&mut self) {
        self.change(|cluster| cluster.start().unwrap_or_else(|error| panic!("no PostgreSQL: {error}"))).await;
    }

    /// SIGSTOP for all processes of the server: connections stay open, nobody answers.
    pub fn freeze(&self) {
        self.cluster().freeze();
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.cluster().thaw();
    }

    fn cluster(&self) -> &Cluster {
        self.0.as_ref().expect("the cluster is here but for the time of a change")
    }

    /// Changes wait for processes, so they are made off the runtime.
    async fn change(&mut self, what: impl FnOnce(&mut Cluster) + Send + 'static) {
        let mut cluster = self.0.take().expect("one change at a time");
        let changed = tokio::task::spawn_blocking(move || {
            what(&mut cluster);
            cluster
        });
        self.0 = Some(changed.await.expect("a change of the server succeeds"));
    }
}
