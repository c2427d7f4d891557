//! A wire to a PostgreSQL server that a test can interrupt: connections wait, or are never heard of again while both
//! ends believe that they are open.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Which connections pass, by their number from 0 on.
#[derive(Debug, Clone, Copy)]
struct Gate {
    /// Those from this number on wait.
    first_waiting: usize,
    /// Those before this number are dead.
    first_alive: usize,
    /// How many there have been.
    accepted: usize,
}

/// The wire. It is cut when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// The server's `HOST:PORT`, and ours.
    server: String,
    address: String,
    gate: watch::Sender<Gate>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// A wire to the server of a database's URL; everything passes.
    pub async fn to(url: &str) -> Self {
        let (_, rest) = url.split_once('@').expect("a test's URL has a user");
        let (server, _) = rest.split_once('/').expect("a URL of a database has its name at the end");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let gate = Gate { first_waiting: usize::MAX, first_alive: 0, accepted: 0 };
        let (gate, server) = (watch::Sender::new(gate), server.to_owned());
        let accepting = tokio::spawn(accept(listener, server.clone(), gate.clone()));
        Self { server, address, gate, accepting }
    }

    /// A database's URL by way of this wire.
    pub fn url(&self, url: &str) -> String {
        url.replace(&self.server, &self.address)
    }

    /// Lets the next connections pass, so many, and those after them wait.
    pub fn pass_only(&self, connections: usize) {
        self.gate.send_modify(|gate| gate.first_waiting = gate.accepted + connections);
    }

    /// Lets everything pass that is not dead.
    pub fn pass(&self) {
        self.gate.send_modify(|gate| gate.first_waiting = usize::MAX);
    }

    /// The connections that there are are never heard of again, and new ones wait.
    pub fn swallow(&self) {
        self.gate.send_modify(|gate| {
            gate.first_alive = gate.accepted;
            gate.first_waiting = gate.accepted;
        });
    }

    /// How many connections wait.
    pub fn waiting(&self) -> usize {
        let gate = *self.gate.borrow();
        gate.accepted.saturating_sub(gate.first_waiting)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: String, gate: watch::Sender<Gate>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let number = gate.borrow().accepted;
        gate.send_modify(|gate| gate.accepted += 1);
        connections.spawn(connect(client, server.clone(), number, gate.subscribe()));
    }
}

async fn connect(mut client: TcpStream, server: String, number: usize, mut gate: watch::Receiver<Gate>) {
    let passes = |gate: &Gate| number < gate.first_waiting && number >= gate.first_alive;
    if gate.wait_for(passes).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let dead = tokio::select! {
        // An end of either side is the end of both.
        _ = copy_bidirectional(&mut client, &mut server) => false,
        dead = gate.wait_for(|gate| number < gate.first_alive) => dead.is_ok(),
    };
    if dead {
        // Both sockets stay open: nobody is told.
        std::future::pending().await
    }
}
