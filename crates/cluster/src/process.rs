//! The server's processes: its first one, and those that it has started.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Signals a process. One that is gone already needs none.
pub(crate) fn signal(process: u32, signal: Signal) {
    if let Ok(process) = i32::try_from(process) {
        let _ = kill(Pid::from_raw(process), signal);
    }
}

/// The processes that a process has started. Each of the server's is in a session of its own, so that no signal to a
/// group reaches them all.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| parent_of(*id) == Some(parent)).collect()
}

/// The fourth field of `/proc/ID/stat`; the second one is a name in parentheses that may hold anything.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
