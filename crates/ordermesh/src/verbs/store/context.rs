//! Which context a database belongs to, as the migrations tell that it has had.

use ordermesh_console::failure::Failure;
use ordermesh_feed::log::FeedSchema;
use ordermesh_service::config::MaskedUrl;
use ordermesh_service::database::{fence, migrations};

use crate::contexts::{self, Registration};

/// Ends the names of the tables that a rebuild fills.
const REBUILD_SUFFIX: &str = "_rebuild";

/// The context whose migrations, all of them and no others, a database has had.
pub fn recognise(applied: &[String], url: &MaskedUrl) -> Result<&'static Registration, Failure> {
    let Some(context) = contexts::owner(applied) else {
        return Err(Failure::unexpected(format_args!("{url} is not the database of a server of ordermesh")));
    };
    let known = (context.migrations)();
    migrations::refuse_unknown(applied, &known, url).map_err(Failure::unexpected)?;
    match known.iter().find(|name| !applied.contains(name)) {
        Some(missing) => Err(Failure::unexpected(format_args!("{url} lacks the migration {missing}")).hint(
            format_args!("start `ordermesh serve {}` of this version on it once, and end it", context.name),
        )),
        None => Ok(context),
    }
}

/// Refuses a database with a table that the context does not list: its rows would be left behind.
pub fn refuse_unlisted(context: &Registration, tables: &[String]) -> Result<(), Failure> {
    let listed: Vec<_> = (context.tables)().iter().map(|table| table.name()).collect();
    let passes = |table: &&String| {
        !listed.contains(table)
            && ![migrations::TABLE, fence::TABLE].contains(&table.as_str())
            && !table.ends_with(REBUILD_SUFFIX)
    };
    match tables.iter().find(passes) {
        Some(table) => Err(Failure::unexpected(format_args!(
            "the database has a table {table}, which {} does not know; it would be left behind",
            context.name
        ))),
        None => Ok(()),
    }
}

/// The feed that a context publishes.
pub fn feed_of(context: &'static Registration) -> Result<FeedSchema, Failure> {
    context
        .feed
        .ok_or_else(|| Failure::unexpected(format_args!("{} publishes no feed: it has no log", context.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> MaskedUrl {
        "sqlite:here".to_owned().into()
    }

    #[test]
    fn each_context_is_known_by_its_migrations() {
        for context in contexts::ALL {
            let found = recognise(&(context.migrations)(), &here());
            assert_eq!(found.map(|found| found.name).ok(), Some(context.name));
        }
    }

    #[test]
    fn a_database_of_another_version_or_of_somebody_else_is_refused() {
        for context in contexts::ALL {
            let mut newer = (context.migrations)();
            newer.push("zzz_later".to_owned());
            assert!(recognise(&newer, &here()).is_err());
            let all = (context.migrations)();
            for missing in &all {
                let older: Vec<_> = all.iter().filter(|name| *name != missing).cloned().collect();
                assert!(recognise(&older, &here()).is_err(), "{} without {missing}", context.name);
            }
        }
        assert!(recognise(&["theirs".to_owned()], &here()).is_err());
        assert!(recognise(&[], &here()).is_err());
    }
}
