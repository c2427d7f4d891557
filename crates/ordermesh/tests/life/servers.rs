//! Each server in a process of its own, at addresses that stay: killed alone, started again alone.

use std::path::Path;

use ordermesh_testkit::{Launch, Server, Shop};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::BINARY;

/// In the order of [`Shop::at`].
pub const NAMES: [&str; 4] = ["order-command", "order-query", "inventory", "payment"];

/// The four servers.
pub struct Servers {
    /// By the places of [`NAMES`].
    pub servers: Vec<Server>,
    /// Kept as long as they are.
    _data: Option<TempDir>,
}

impl Servers {
    /// On new databases, started with `variables` more.
    pub async fn start(variables: &[(&str, &str)]) -> Self {
        let data = TempDir::new().unwrap();
        let started = Self::start_on(data.path(), variables).await;
        Self { _data: Some(data), ..started }
    }

    /// On the databases of a directory; on PostgreSQL beside others that use the same ones.
    pub async fn start_on(data: &Path, variables: &[(&str, &str)]) -> Self {
        let addresses = free_addresses().await;
        let mut servers = Vec::with_capacity(NAMES.len());
        for (name, address) in NAMES.iter().zip(&addresses) {
            let mut launch = Launch::serve(BINARY, name, data).listen(address);
            for (peer, address) in NAMES.iter().zip(&addresses) {
                let variable = format!("ORDERMESH_PEERS__{}", peer.replace('-', "_").to_uppercase());
                launch = launch.env(&variable, &format!("http://{address}"));
            }
            for (name, value) in variables {
                launch = launch.env(name, value);
            }
            servers.push(launch.start().await);
        }
        Self { servers, _data: None }
    }

    /// The shop that they are.
    pub fn shop(&self) -> Shop {
        Shop::at([0, 1, 2, 3].map(|place| self.servers[place].addr()))
    }

    /// The server of a name.
    pub fn server(&mut self, name: &str) -> &mut Server {
        let place = NAMES.iter().position(|one| *one == name).unwrap();
        &mut self.servers[place]
    }
}

/// Ports that were free a moment ago: each server must know the others' before it starts.
async fn free_addresses() -> Vec<String> {
    let mut listeners = Vec::new();
    for _ in NAMES {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect()
}
