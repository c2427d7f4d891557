//! How the program ends when whoever read its output has gone before it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordermesh_testkit::eventually;

use crate::BINARY;

/// A program whose output the test reads itself, or not; killed when it is dropped.
struct Unread(Child);

impl Unread {
    fn dev(data: &Path) -> Self {
        let mut command = Command::new(BINARY);
        command.args(["dev", "--listen", "127.0.0.1:0", "--data"]).arg(data).env_clear();
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
