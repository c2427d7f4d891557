//! The one list of the contexts that the program knows: a new context adds its line here and nothing else outside
//! its own folders.

use futures_util::future::BoxFuture;
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::project::Followers;
use ordermesh_feed::store::CopyTable;
use ordermesh_service::config::{ConfigError, MaskedUrl, Settings, to_toml};
use ordermesh_service::database::{Database, MigratorTrait, OpenError, migration_names, offline};
use ordermesh_service::{Environment, Services, StartError};

/// What the program needs to know of a context.
pub struct Registration {
    /// Name of its server such as `order-command`.
    pub name: &'static str,
    /// Name of its section in the configuration, and of its address among the peers.
    pub section: &'static str,
    /// Opens its database, starts its tasks and adds its services.
    pub start: for<'a> fn(&'a Environment, &'a mut Services) -> BoxFuture<'a, Result<Followers, StartError>>,
    /// The feed that it publishes.
    pub feed: Option<FeedSchema>,
    /// Names of its migrations, sorted.
    pub migrations: fn() -> Vec<String>,
    /// The tables of its database.
    pub tables: fn() -> Vec<Box<dyn CopyTable>>,
    /// Opens its database for a tool, with its migrations done.
    pub open: for<'a> fn(&'a MaskedUrl) -> BoxFuture<'a, Result<Database, OpenError>>,
    /// The same, and keeps servers out until it is closed.
    pub open_alone: for<'a> fn(&'a MaskedUrl) -> BoxFuture<'a, Result<Database, OpenError>>,
    /// Its effective settings, secrets masked.
    pub config: fn(&Settings) -> Result<toml::Value, ConfigError>,
}

macro_rules! contexts {
    ($($context:ident),* $(,)?) => {
        &[$(Registration {
            name: $context::NAME,
            section: $context::SECTION,
            start: |environment, services| Box::pin($context::start(environment, services)),
            feed: $context::FEED,
            migrations: migration_names::<$context::store::Migrator>,
            tables: $context::store::all_tables,
            open: |url| Box::pin(open::<$context::store::Migrator>(url)),
            open_alone: |url| Box::pin(offline::open_alone::<$context::store::Migrator>(url)),
            config: |settings| to_toml(&settings.section::<$context::Config>($context::SECTION)?),
        }),*]
    };
}

/// All contexts, in the order in which `dev` starts them.
pub const ALL: &[Registration] = contexts![ordermesh_order_command, ordermesh_order_query,];

async fn open<M: MigratorTrait>(url: &MaskedUrl) -> Result<Database, OpenError> {
    Database::open::<M>(url, false, &offline::patient()).await
}

/// The context of a name.
pub fn by_name(name: &str) -> Option<&'static Registration> {
    ALL.iter().find(|context| context.name == name)
}

/// Names of all sections of the configuration that belong to contexts.
pub fn sections() -> Vec<&'static str> {
    ALL.iter().map(|context| context.section).collect()
}
