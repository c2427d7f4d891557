//! What processes use, from /proc: processor time of the server, of a local PostgreSQL and of this client, and the
//! server's memory. Where /proc does not tell, nothing is told.

use std::fs;

/// Microseconds of a tick of /proc: Linux reports processor time in hundredths of a second whatever its own tick is.
const TICK_MICROS: u64 = 10_000;

/// Whose processor time is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    /// Process id of the server under test.
    pub server: u32,
    /// Process id of the PostgreSQL server that it uses, when that runs on this machine.
    pub postmaster: Option<u32>,
}

/// Processor time in microseconds, user and system together, since each process began.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    /// The server under test.
    pub server: u64,
    /// All processes of PostgreSQL.
    pub database: Option<u64>,
    /// This process.
    pub client: u64,
}

impl Meter {
    /// What has been spent up to now.
    pub(super) fn read(self) -> Spent {
        let own = |pid: u32| Process::of(&pid.to_string()).map_or(0, |process| process.micros);
        Spent {
            server: own(self.server),
            database: self.postmaster.map(cluster),
            client: own(std::process::id()),
        }
    }
}

impl Spent {
    /// What was spent since `earlier`.
    pub(super) fn since(self, earlier: Self) -> Self {
        let database = self.database.zip(earlier.database);
        Self {
            server: self.server.saturating_sub(earlier.server),
            database: database.map(|(now, then)| now.saturating_sub(then)),
            client: self.client.saturating_sub(earlier.client),
        }
    }
}

/// One process as /proc/PID/stat tells of it.
struct Process {
    name: String,
    parent: u32,
    micros: u64,
    /// Of its children that have ended.
    reaped_micros: u64,
}

impl Process {
    fn of(pid: &str) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may hold anything, more of them too.
        let (before, after) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = after.split(' ').collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            name: before.split_once('(')?.1.to_owned(),
            parent: u32::try_from(number(1)?).ok()?,
            micros: (number(11)? + number(12)?) * TICK_MICROS,
            reaped_micros: (number(13)? + number(14)?) * TICK_MICROS,
        })
    }
}

/// Processor time of a PostgreSQL server with all its processes.
fn cluster(postmaster: u32) -> u64 {
    let Some(main) = Process::of(&postmaster.to_string()) else { return 0 };
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = pids.filter_map(|entry| Process::of(entry.file_name().to_str()?));
    let children = processes.filter(|process| process.parent == postmaster).map(|process| process.micros);
    main.micros + main.reaped_micros + children.sum::<u64>()
}

/// The process id of the PostgreSQL server whose session runs in process `backend`; `None` when that is not a
/// process of this machine.
pub(super) fn postmaster_of(backend: u32) -> Option<u32> {
    let process = Process::of(&backend.to_string())?;
    process.name.starts_with("postgres").then_some(process.parent)
}

/// The most resident memory that a process ever had, in MB (2^20 bytes); `None` when /proc does not tell.
pub(super) fn peak_megabytes(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_own_time_and_memory() {
        let meter = Meter { server: std::process::id(), postmaster: None };
        let start = meter.read();
        let mut sum = 0_u64;
        while meter.read().since(start).server < 3 * TICK_MICROS {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(meter.read().since(start).client >= 3 * TICK_MICROS);
        assert!(peak_megabytes(std::process::id()).unwrap() > 1.0);
    }

    #[test]
    fn what_is_not_postgresql_has_no_postmaster() {
        assert_eq!(postmaster_of(std::process::id()), None);
        assert_eq!(postmaster_of(u32::MAX), None);
    }
}
