//! Who among the registered subscribers and groups is furthest behind: a log is never truncated above it.
//!
//! A subscriber that keeps its cursor to itself is not registered, and nobody waits for it.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// What holds a log back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A subscriber that reports how far it has come.
    Subscriber,
    /// A consumer group.
    Group,
}

/// A registered subscriber or group, and the position up to which it needs nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Which of the two.
    pub kind: Holder,
    /// Its name.
    pub name: String,
    /// The newest position of which it has no need any more.
    pub position: i64,
}

/// Each table that may hold somebody back: who, and up to which position it is done. A delivery that is not
/// acknowledged yet is read from the log again, but for those that come from the parking.
const HOLDERS: [(Holder, &str, &str); 3] = [
    (
        Holder::Subscriber,
        "subscribers",
        r#"SELECT "name" AS name, "position" AS position FROM "subscribers""#,
    ),
    (
        Holder::Group,
        "group_slots",
        r#"SELECT "group_name" AS name, "position" AS position FROM "group_slots""#,
    ),
    (
        Holder::Group,
        "group_deliveries",
        r#"SELECT "group_name" AS name, "position" - 1 AS position FROM "group_deliveries" WHERE NOT "replay""#,
    ),
];

impl std::fmt::Display for Subscriber {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            Holder::Subscriber => write!(formatter, "the subscriber {}", self.name),
            Holder::Group => write!(formatter, "the group {}", self.name),
        }
    }
}

impl Subscriber {
    /// The verb by which one that is gone for good stops to hold the log back.
    pub(super) fn farewell(&self) -> String {
        let verb = match self.kind {
            Holder::Subscriber => "forget-subscriber",
            Holder::Group => "delete-group",
        };
        format!("ordermesh feed {verb} {}", self.name)
    }
}

/// The slowest of all that are registered in this database; none when nobody is.
pub async fn slowest_subscriber<C: ConnectionTrait>(db: &C) -> Result<Option<Subscriber>, DbErr> {
    let mut slowest: Option<Subscriber> = None;
    for (kind, table, select) in HOLDERS {
        if !has_table(db, table).await? {
            continue;
        }
        let sql = format!("{select} ORDER BY 2 LIMIT 1");
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
        let Some(row) = row else { continue };
        let (name, position) = (row.try_get("", "name")?, row.try_get("", "position")?);
        let found = Subscriber { kind, name, position };
        slowest = Some(match slowest {
            Some(slowest) if slowest.position <= found.position => slowest,
            _ => found,
        });
    }
    Ok(slowest)
}

/// Whether a table is there: a context may have no groups.
async fn has_table<C: ConnectionTrait>(db: &C, table: &str) -> Result<bool, DbErr> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT 1 AS found FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name = $1"
        }
        _ => "SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = $1",
    };
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [table.into()]);
    Ok(db.query_one_raw(statement).await?.is_some())
}
