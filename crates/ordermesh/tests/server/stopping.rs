//! How the program ends when whoever read its output has gone before it, and when it has not started yet.

use std::fs::{Permissions, set_permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordermesh_testkit::backend::Backend;
use ordermesh_testkit::{Launch, eventually};

use crate::BINARY;

/// Nothing listens there.
const NOWHERE: &str = "postgres://shop:s3cret@127.0.0.1:1/orders";

/// A program whose output the test reads itself, or not; killed when it is dropped.
struct Unread(Child);

impl Unread {
    fn dev(data: &Path) -> Self {
        Self::dev_with(data, |command| command)
    }

    fn dev_with(data: &Path, change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(BINARY);
        change(command.args(["dev", "--listen", "127.0.0.1:0", "--data"]).arg(data).env_clear());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
    }

    async fn ended(&mut self) -> ExitStatus {
        eventually!(self.0.try_wait().unwrap(), "the program ends")
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads up to the end of the line that says so.
fn read_to(text: &str, pipe: impl Read) {
    let found = BufReader::new(pipe).lines().any(|line| line.unwrap().contains(text));
    assert!(found, "{text:?} is said");
}

#[tokio::test]
async fn a_program_whose_log_nobody_reads_starts_and_ends_well() {
    let data = tempfile::tempdir().unwrap();
    let mut program = Unread::dev(data.path());
    drop(program.0.stderr.take());
    read_to("ordermesh is ready", program.0.stdout.take().unwrap());
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_program_whose_readers_go_after_its_start_ends_well() {
    let data = tempfile::tempdir().unwrap();
    let mut program = Unread::dev(data.path());
    drop(program.0.stdout.take());
    read_to(r#""message":"ready""#, program.0.stderr.take().unwrap());
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_program_that_waits_for_its_database_says_why_and_ends_when_it_is_told_to() {
    let data = tempfile::tempdir().unwrap();
    let mut program =
        Unread::dev_with(data.path(), |command| command.env("ORDERMESH_ORDER_QUERY__DATABASE_URL", NOWHERE));
    read_to("Connection refused", program.0.stderr.as_mut().unwrap());
    let told = Instant::now();
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended().await.code(), Some(0));
    assert!(told.elapsed() < Duration::from_secs(5), "it took {:?}", told.elapsed());
    // What had started already has ended well.
    assert!(data.path().join("order-command.db").exists());
    assert!(!data.path().join("order-command.db-wal").exists());
}

#[tokio::test]
async fn a_program_that_is_told_to_end_while_its_own_postgresql_starts_does_not_leave_it_behind() {
    if Backend::needs_postgres("its programs may not be installed") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    // Who runs PostgreSQL for root must get there.
    set_permissions(data.path(), Permissions::from_mode(0o755)).unwrap();
    let mut program = Unread::dev_with(data.path(), |command| command.arg("--postgres"));
    let running = data.path().join("postgres/data/postmaster.pid");
    eventually!(running.exists(), "PostgreSQL starts");
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended().await.code(), Some(0));
    assert!(!running.exists());
}

#[tokio::test]
async fn a_tool_says_why_its_database_cannot_be_reached() {
    let directory = tempfile::tempdir().unwrap();
    let export = ["feed", "export", "--database", NOWHERE, "--to", "orders.archive"];
    let finished = Launch::program(BINARY, &export).directory(directory.path()).finish().await;
    assert_eq!(finished.code, Some(1));
    let (said, secret) = (finished.stderr.contains("Connection refused"), finished.stderr.contains("s3cret"));
    assert!(said && !secret, "{finished:?}");
}
