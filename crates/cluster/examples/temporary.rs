//! Runs a command beside a temporary PostgreSQL server, whose URL it finds in ORDERMESH_POSTGRES; without a command, prints
//! the URL and waits for a signal. What `scripts/postgres` calls.

use std::io::Write;
use std::process::{Command, ExitCode};

use ordermesh_cluster::Cluster;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hangup = signal(SignalKind::hangup())?;
    let cluster = Cluster::temporary()?;
    let url = cluster.url("postgres");
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        writeln!(std::io::stdout(), "{url}")?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
        return Ok(ExitCode::SUCCESS);
    };
    let mut command = Command::new(&program);
    command.args(arguments).env("ORDERMESH_POSTGRES", &url);
    let mut command = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
    let id = nix::unistd::Pid::from_raw(i32::try_from(command.id())?);
    let ended = tokio::task::spawn_blocking(move || command.wait());
    tokio::pin!(ended);
    let status = loop {
        tokio::select! {
            status = &mut ended => break status??,
            // The terminal tells the command, too; whoever signals us alone means both.
            _ = interrupt.recv() => {}
            _ = hangup.recv() => nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGHUP)?,
            _ = terminate.recv() => nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM)?,
        }
    };
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
