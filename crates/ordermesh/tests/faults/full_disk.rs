//! The disk is really full: a small file system of the test's own, with a ballast that takes what is left.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use ordermesh_cluster::Owner;
use ordermesh_proto::order::v1::PlaceOrderRequest;
use ordermesh_testkit::backend::{connect, fresh_name};
use ordermesh_testkit::wait::soon;
use ordermesh_testkit::{
    Backend, Launch, Postgres, Server, assert_log_is_sound, assert_refused, eventually, order, read_feed,
};
use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use tonic::{Code, Status};

use crate::BINARY;

/// Orders that are placed at most before the disk has to be full.
const ORDERS: usize = 5_000;
/// What the ballast leaves: a few orders' room.
const ROOM: usize = 256 << 10;

/// A file system in memory, gone with the test.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// None, with a line that says why, where it cannot be mounted.
    fn mount(mebibytes: usize) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={mebibytes}m,mode=755");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        match mount {
            Ok(mount) if mount.status.success() => Some(Self(folder)),
            mount => {
                eprintln!("skipped: a file system can be mounted by root only: {mount:?}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Takes all the room, and gives so many bytes of it back.
    fn fill_but(&self, room: usize) {
        let mut ballast = fs::File::create(self.ballast()).unwrap();
        let (block, mut size) = ([1; 4096], 0);
        while ballast.write_all(&block).is_ok() {
            size += block.len();
        }
        ballast.set_len(size.checked_sub(room).expect("the disk had room to begin with") as u64).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server may be about to end.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

async fn place(server: &Server, request: PlaceOrderRequest) -> Result<String, Status> {
    let answer = soon("an answer", server.commands().place_order(request)).await?;
    Ok(answer.into_inner().order_id)
}

/// Twice: orders until the disk is full, refusals while it is, and everything there again when it has room.
async fn fill_and_free(disk: &SmallDisk, server: &mut Server) {
    let mut acknowledged = BTreeSet::new();
    for round in 0..2 {
        acknowledged.insert(place(server, order("TEA", 1, 450).build()).await.unwrap());
        disk.fill_but(ROOM);
        let mut refused = None;
        for _ in 0..ORDERS {
            let request = order("TEA", 1, 450).with_personal().build();
            match place(server, request.clone()).await {
                Ok(id) => assert!(acknowledged.insert(id)),
                Err(status) => {
                    refused = Some((request, status));
                    break;
                }
            }
        }
        let (request, status) = refused.expect("the disk is full at last");
        let refusal = assert_refused(Err::<(), _>(status), Code::Unavailable, "STORE_UNAVAILABLE", None);
        assert!(refusal.retryable, "RetryInfo says when: {refusal:?}");
        // Readers see what there is; who asks again is refused again and leaves nothing.
        let log = read_feed(&mut server.events()).await;
        assert_eq!(keys(&log), acknowledged, "round {round}");
        let again = place(server, request.clone()).await;
        assert_refused(again, Code::Unavailable, "STORE_UNAVAILABLE", None);
        if round == 1 {
            server.kill9();
        }
        disk.make_room();
        if round == 1 {
            server.start_again_here().await;
        }
        let placed = eventually!(
            place(server, request.clone()).await.map_err(|status| status.to_string()),
            "service returns with the room, round {round}"
        );
        assert!(acknowledged.insert(placed));
    }
    let log = read_feed(&mut server.events()).await;
    assert_log_is_sound(&log);
    assert_eq!(keys(&log), acknowledged, "what was acknowledged is there, and nothing else");
}

fn keys(log: &[ordermesh_proto::order::v1::OrderEvent]) -> BTreeSet<String> {
    log.iter().map(|event| event.key.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_commands_are_refused_and_nothing_acknowledged_is_lost() {
    if Backend::skips("there it is a table space that is full") {
        return;
    }
    let Some(disk) = SmallDisk::mount(8) else { return };
    let mut server = Server::serve(BINARY, "order-command", disk.path()).await;
    fill_and_free(&disk, &mut server).await;
    server.kill9();
}

/// The write-ahead log is on another disk, as it should be: without room for that PostgreSQL stops altogether, which
/// is the test of a database that goes away.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_table_space_commands_are_refused_and_nothing_acknowledged_is_lost() {
    if Backend::needs_postgres("a file is in no table space") {
        return;
    }
    let Some(disk) = SmallDisk::mount(24) else { return };
    let mut postgres = Postgres::start().await;
    let tables = disk.path().join("tables");
    fs::create_dir(&tables).unwrap();
    if let Owner::Other { uid, gid } = Owner::find().unwrap() {
        chown(&tables, Some(uid), Some(gid)).unwrap();
    }
    let (name, admin) = (fresh_name("order-command"), connect(&postgres.url("postgres")).await.unwrap());
    for sql in [
        format!("CREATE TABLESPACE small LOCATION '{}'", tables.display()),
        format!(r#"CREATE DATABASE "{name}" TABLESPACE small"#),
    ] {
        admin.execute_unprepared(&sql).await.unwrap();
    }
    admin.close().await.unwrap();
    let mut server = Launch::replica(BINARY, &postgres.url(&name)).start().await;
    fill_and_free(&disk, &mut server).await;
    server.kill9();
    postgres.kill9().await;
}
