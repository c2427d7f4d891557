//! The one list of the contexts that the program knows: a new context adds its line here and nothing else outside
//! its own folders.

use futures_util::future::BoxFuture;
use ordermesh_console::verb::Verbs;
use ordermesh_feed::log::FeedSchema;
use ordermesh_feed::project::Followers;
use ordermesh_feed::store::CopyTable;
use ordermesh_service::config::{ConfigError, MaskedUrl, Settings, to_toml};
use ordermesh_service::database::{Database, MigratorTrait, OpenError, migrations, offline};
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
    /// The URL of its database as it is set; empty when it is not.
    pub database_url: fn(&Settings) -> Result<MaskedUrl, ConfigError>,
    /// The tables of its database.
    pub tables: fn() -> Vec<Box<dyn CopyTable>>,
    /// Opens its database for a tool, with its migrations done.
    pub open: for<'a> fn(&'a MaskedUrl) -> BoxFuture<'a, Result<Database, OpenError>>,
    /// The same, and keeps servers out until it is closed.
    pub open_alone: for<'a> fn(&'a MaskedUrl) -> BoxFuture<'a, Result<Database, OpenError>>,
    /// Its effective settings, secrets masked.
    pub config: fn(&Settings) -> Result<toml::Value, ConfigError>,
    /// Its verbs on the command line; none is an empty list.
    pub verbs: fn() -> Vec<Verbs>,
}

macro_rules! contexts {
    ($($context:ident),* $(,)?) => {
        &[$(Registration {
            name: $context::NAME,
            section: $context::SECTION,
            start: |environment, services| Box::pin(async {
                $context::start(environment, services).await.map_err(|error| match error {
                    StartError::Database(error) => owned($context::NAME, error).into(),
                    error => error,
                })
            }),
            feed: $context::FEED,
            migrations: migrations::names::<$context::store::Migrator>,
            database_url: |settings| {
                Ok(settings.section::<$context::Config>($context::SECTION)?.database_url)
            },
            tables: $context::store::all_tables,
            open: |url| Box::pin(open::<$context::store::Migrator>($context::NAME, url)),
            open_alone: |url| Box::pin(open_alone::<$context::store::Migrator>($context::NAME, url)),
            config: |settings| to_toml(&settings.section::<$context::Config>($context::SECTION)?),
            verbs: $context::cli::verbs,
        }),*]
    };
}

/// All contexts, in the order in which `dev` starts them.
pub const ALL: &[Registration] =
    contexts![ordermesh_order_command, ordermesh_order_query, ordermesh_inventory, ordermesh_payment,];

async fn open<M: MigratorTrait>(name: &str, url: &MaskedUrl) -> Result<Database, OpenError> {
    Database::open::<M>(url, false, &offline::patient()).await.map_err(|error| owned(name, error))
}

async fn open_alone<M: MigratorTrait>(name: &str, url: &MaskedUrl) -> Result<Database, OpenError> {
    offline::open_alone::<M>(url).await.map_err(|error| owned(name, error))
}

/// Why the context `name` cannot open a database, by the name of the context whose it is, where it is another's.
fn owned(name: &str, error: OpenError) -> OpenError {
    let OpenError::Unknown { url, applied, .. } = &error else { return error };
    match owner(applied) {
        Some(owner) if owner.name != name => OpenError::OfAnother { url: url.clone(), owner: owner.name },
        _ => error,
    }
}

/// The context to which a database with these migrations belongs: it has one that no other context has.
pub fn owner(applied: &[String]) -> Option<&'static Registration> {
    let has = |context: &Registration, name| (context.migrations)().iter().any(|own| own == name);
    let alone = |context: &Registration, name| {
        has(context, name) && ALL.iter().all(|other| other.name == context.name || !has(other, name))
    };
    ALL.iter().find(|context| applied.iter().any(|name| alone(context, name)))
}

/// The verbs of all contexts.
pub fn verbs() -> Vec<Verbs> {
    ALL.iter().flat_map(|context| (context.verbs)()).collect()
}

/// The context of a name.
pub fn by_name(name: &str) -> Option<&'static Registration> {
    ALL.iter().find(|context| context.name == name)
}

/// Names of all sections of the configuration that belong to contexts.
pub fn sections() -> Vec<&'static str> {
    ALL.iter().map(|context| context.section).collect()
}
