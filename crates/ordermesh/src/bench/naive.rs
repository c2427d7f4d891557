//! The naive server: what an ordinary team writes first. A pool of sixteen connections, one transaction a request, one
//! INSERT a row into the very tables that order-command has, the position from a sequence, commit, answer. A read
//! is one query by primary key.
//!
//! It leaves out what would make it slower and is not its point: checks, refusals, answers to repeated requests.

use std::time::Duration;

use clap::Args;
use ordermesh_order_command::store::Migrator;
use ordermesh_proto::order::v1::{
    GetOrderRequest, GetOrderResponse, Order, OrderPersonalData, PlaceOrderRequest, PlaceOrderResponse,
};
use ordermesh_service::config::{DatabaseSettings, MaskedUrl};
use prost::Message;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};
use tonic::Status;
use uuid::Uuid;

use super::BenchError;
use super::baseline::{self, Answers, no_part};

mod rows;

/// Connections of the pool.
const POOL: u32 = 16;
/// SQLite lets one transaction write at a time and has the others come back later; a queue of many takes long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the naive server stores and reads.
#[derive(Debug, Args)]
pub(crate) struct NaiveArgs {
    /// Empty database to place orders into; its URL.
    #[arg(long, env = "ORDERMESH_BENCH_ORDERS", hide_env_values = true)]
    orders: Option<String>,
    /// Database of order-query to read orders from; its URL.
    #[arg(long, env = "ORDERMESH_BENCH_VIEWS", hide_env_values = true)]
    views: Option<String>,
    /// Address and port to listen on.
    #[arg(long)]
    listen: String,
}

#[derive(Clone)]
struct Naive {
    orders: Option<DatabaseConnection>,
    views: Option<DatabaseConnection>,
}

/// Serves until SIGTERM.
pub(super) async fn serve(args: NaiveArgs) -> Result<(), BenchError> {
    let orders = match args.orders {
        Some(url) => {
            make_tables(&url).await?;
            Some(pool(&url).await?)
        }
        None => None,
    };
    let views = match args.views {
        Some(url) => Some(pool(&url).await?),
        None => None,
    };
    let naive = Naive { orders, views };
    baseline::serve(&args.listen, naive).await
}

/// The tables of order-command, and on PostgreSQL a sequence for positions.
async fn make_tables(url: &str) -> Result<(), BenchError> {
    let url = MaskedUrl::from(url.to_owned());
    let opened =
        ordermesh_service::Database::open::<Migrator>(&url, false, &DatabaseSettings::default()).await;
    let database = opened.map_err(|error| BenchError::Other(error.to_string()))?;
    if database.writer.get_database_backend() == DbBackend::Postgres {
        database.writer.execute_unprepared("CREATE SEQUENCE positions").await?;
    }
    database.writer.clone().close().await?;
    database.reader.clone().close().await?;
    Ok(())
}

async fn pool(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(POOL).acquire_timeout(PATIENCE).sqlx_logging(false).map_sqlx_sqlite_opts(
        |sqlite| {
            sqlite
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(PATIENCE)
        },
    );
    sea_orm::Database::connect(options).await
}

fn broken(error: &DbErr) -> Status {
    Status::internal(error.to_string())
}

impl Naive {
    async fn find(&self, id: Uuid) -> Result<Option<GetOrderResponse>, DbErr> {
        let views = self.views.as_ref().ok_or_else(|| DbErr::Custom("no database of views".to_owned()))?;
        let sql = "SELECT body, personal FROM order_views WHERE order_id = $1";
        let query = Statement::from_sql_and_values(views.get_database_backend(), sql, [id.into()]);
        let Some(row) = views.query_one_raw(query).await? else { return Ok(None) };
        let undecodable = |error: prost::DecodeError| DbErr::Type(error.to_string());
        let body: Vec<u8> = row.try_get("", "body")?;
        let personal: Option<Vec<u8>> = row.try_get("", "personal")?;
        let personal = personal.as_deref().map(OrderPersonalData::decode).transpose().map_err(undecodable)?;
        let order = Order { personal_data: personal, ..Order::decode(&*body).map_err(undecodable)? };
        Ok(Some(GetOrderResponse { order: Some(order), ..GetOrderResponse::default() }))
    }
}

#[tonic::async_trait]
impl Answers for Naive {
    async fn place(&self, request: PlaceOrderRequest) -> Result<PlaceOrderResponse, Status> {
        let orders = self.orders.as_ref().ok_or_else(no_part)?;
        rows::place(orders, &request).await.map_err(|error| broken(&error))
    }

    async fn get(&self, request: GetOrderRequest) -> Result<GetOrderResponse, Status> {
        let id = Uuid::parse_str(&request.order_id);
        let id = id.map_err(|error| Status::invalid_argument(error.to_string()))?;
        let found = self.find(id).await.map_err(|error| broken(&error))?;
        found.ok_or_else(|| Status::not_found("no such order"))
    }
}
