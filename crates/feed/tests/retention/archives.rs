//! What goes into an archive comes out of it, or the archive is refused.

use std::path::{Path, PathBuf};

use ordermesh_feed::archive::{ArchiveError, Archived, Range, check, export, import, verify};
use ordermesh_proto::feed::v1::archive_entry::Entry;
use ordermesh_proto::feed::v1::{ArchiveEntry, ArchiveHeader, ArchivedEvent};
use prost::Message;

use ordermesh_testkit::house::{House, SCHEMA};

async fn export_all(house: &House, name: &str) -> (PathBuf, Archived) {
    export_range(house, name, Range::default()).await
}

async fn export_range(house: &House, name: &str, range: Range) -> (PathBuf, Archived) {
    let path = house.files.path().join(name);
    let archived = export(&house.db, "key", &path, range, &|_, _, _| {}).await.unwrap();
    (path, archived)
}

async fn import_into(house: &House, path: &Path) -> Result<Archived, ArchiveError> {
    import(&house.db, check(SCHEMA, path, &|_, _, _| {})?, &|_, _, _| {}).await
}

#[tokio::test]
async fn an_imported_log_is_the_exported_one_column_by_column() {
    let (from, to) = (House::with_events(2_500).await, House::empty().await);
    let (path, archived) = export_all(&from, "all").await;
    assert_eq!((archived.first_position, archived.last_position, archived.count), (1, 2_500, 2_500));
    assert_eq!(import_into(&to, &path).await.unwrap(), archived);
    assert_eq!(to.dump().await, from.dump().await);
    assert!(!path.with_extension("part").exists());
}

#[tokio::test]
async fn a_log_that_a_server_has_only_opened_takes_the_archives_identity() {
    let (from, to) = (House::with_events(3).await, House::empty().await);
    to.log().await;
    let (path, archived) = export_all(&from, "all").await;
    import_into(&to, &path).await.unwrap();
    use ordermesh_feed::log::FeedSource;
    assert_eq!(to.log().await.feed_id(), archived.feed_id);
}

#[tokio::test]
async fn archives_in_sequence_make_one_log_and_nothing_else_fits_behind_it() {
    let (from, to) = (House::with_events(30).await, House::empty().await);
    let (first, _) = export_range(&from, "1", Range { from: None, to: Some(10) }).await;
    let (second, _) = export_range(&from, "2", Range { from: Some(11), to: Some(20) }).await;
    let (late, _) = export_range(&from, "3", Range { from: Some(22), to: None }).await;
    import_into(&to, &first).await.unwrap();
    for path in [&first, &late] {
        let refused = import_into(&to, path).await;
        assert!(matches!(refused, Err(ArchiveError::NotEmpty { head: 10, .. })), "{refused:?}");
    }
    import_into(&to, &second).await.unwrap();
    assert_eq!(to.dump().await, from.dump().await[..20]);
    // Once commands have written behind it, the log is no longer an archive's.
    let (third, _) = export_range(&from, "4", Range { from: Some(21), to: None }).await;
    to.append(1).await;
    assert!(matches!(import_into(&to, &third).await, Err(ArchiveError::NotEmpty { head: 21, .. })));
}

#[tokio::test]
async fn an_archive_does_not_go_behind_the_same_positions_of_another_log() {
    let (from, other, to) =
        (House::with_events(20).await, House::with_events(20).await, House::empty().await);
    let (first, _) = export_range(&other, "1", Range { from: None, to: Some(10) }).await;
    let (second, _) = export_range(&from, "2", Range { from: Some(11), to: None }).await;
    import_into(&to, &first).await.unwrap();
    assert!(matches!(import_into(&to, &second).await, Err(ArchiveError::NotEmpty { .. })));
    assert_eq!(to.events().await, 10);
}

#[tokio::test]
async fn an_archive_is_never_put_behind_events_that_commands_have_made() {
    let house = House::with_events(10).await;
    let (path, _) = export_range(&house, "1", Range { from: Some(6), to: None }).await;
    house.run("DELETE FROM events WHERE position > 5").await;
    house.run("UPDATE log_head SET position = 5").await;
    assert!(matches!(import_into(&house, &path).await, Err(ArchiveError::NotEmpty { head: 5, .. })));
}

#[tokio::test]
async fn whatever_is_cut_off_or_changed_in_a_file_is_noticed_before_anything_is_written() {
    let (from, to) = (House::with_events(8).await, House::empty().await);
    let (path, _) = export_all(&from, "all").await;
    let whole = std::fs::read(&path).unwrap();
    let broken = from.files.path().join("broken");
    for length in 0..whole.len() {
        std::fs::write(&broken, &whole[..length]).unwrap();
        let error = verify(&broken, &|_| {}).unwrap_err();
        let fits = matches!(error, ArchiveError::Truncated(_) | ArchiveError::Foreign(_));
        assert!(fits, "cut off at {length}: {error:?}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&broken, &bytes).unwrap();
        verify(&broken, &|_| {}).expect_err(&format!("changed at {at}"));
    }
    std::fs::write(&broken, [&whole[..], b"x"].concat()).unwrap();
    assert!(matches!(import_into(&to, &broken).await, Err(ArchiveError::Changed { .. })));
    assert_eq!(to.number("SELECT count(*) AS value FROM log_head").await, 0);
}

#[tokio::test]
async fn positions_at_the_ends_of_their_numbers_are_refused_and_break_nothing() {
    let house = House::empty().await;
    let path = house.files.path().join("end");
    let header = |first_position, previous: &'static [u8]| ArchiveHeader {
        format: "ordermesh feed archive".to_owned(),
        format_version: 1,
        feed_id: vec![7; 16].into(),
        key_description: "key".to_owned(),
        first_position,
        previous_event_id: previous.into(),
        previous_recorded_micros: 0,
    };
    let entry = |entry| ArchiveEntry { entry: Some(entry) }.encode_length_delimited_to_vec();
    std::fs::write(&path, entry(Entry::Header(header(i64::MIN, &[])))).unwrap();
    assert!(matches!(verify(&path, &|_| {}), Err(ArchiveError::Foreign(_))));
    let event = |position| {
        let event_id = vec![8; 16].into();
        entry(Entry::Event(ArchivedEvent { position, event_id, ..ArchivedEvent::default() }))
    };
    let events = [event(i64::MAX), event(i64::MIN)].concat();
    std::fs::write(&path, [entry(Entry::Header(header(i64::MAX, &[9; 16]))), events].concat()).unwrap();
    assert!(matches!(verify(&path, &|_| {}), Err(ArchiveError::Changed { .. })));
}

#[tokio::test]
async fn a_foreign_file_and_the_archive_of_another_feed_are_refused_by_name() {
    let house = House::with_events(2).await;
    let foreign = house.files.path().join("foreign");
    std::fs::write(&foreign, "SQLite format 3\0 and much more").unwrap();
    assert!(
        matches!(import_into(&house, &foreign).await, Err(ArchiveError::Foreign(path)) if path == foreign)
    );
    let other = house.files.path().join("other");
    export(&house.db, "basket id", &other, Range::default(), &|_, _, _| {}).await.unwrap();
    let empty = House::empty().await;
    let refused = import_into(&empty, &other).await.unwrap_err().to_string();
    assert!(refused.contains("basket id"), "{refused}");
}

#[tokio::test]
async fn an_event_that_this_program_does_not_know_stops_the_import_and_leaves_nothing() {
    let (from, to) = (House::with_events(5).await, House::empty().await);
    from.run("UPDATE events SET kind = 'OrderTeleported' WHERE position = 4").await;
    let (path, _) = export_all(&from, "all").await;
    let refused = import_into(&to, &path).await;
    assert!(matches!(refused, Err(ArchiveError::UnknownType(kind)) if kind == "OrderTeleported"));
    assert_eq!(to.events().await, 0);
}

#[tokio::test]
async fn an_archive_is_never_overwritten_and_a_range_that_is_not_there_is_refused() {
    let house = House::with_events(5).await;
    let (path, _) = export_all(&house, "all").await;
    let again = export(&house.db, "key", &path, Range::default(), &|_, _, _| {}).await;
    assert!(matches!(again, Err(ArchiveError::Exists(_))));
    for (from, to) in [(Some(0), None), (Some(7), None), (None, Some(6)), (Some(4), Some(2))] {
        let path = house.files.path().join("none");
        let refused = export(&house.db, "key", &path, Range { from, to }, &|_, _, _| {}).await;
        assert!(matches!(refused, Err(ArchiveError::OutOfRange { .. })), "{from:?} {to:?}");
        assert!(!path.exists());
    }
}
