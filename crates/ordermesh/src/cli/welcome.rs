//! What `dev` says once it can be reached: where, where its data is, and what to try.

use std::net::SocketAddr;
use std::path::Path;

use ordermesh_service::config::{ConfigError, Settings};

use super::postgres;
use crate::contexts;
use crate::run::reachable;

/// Whose databases the contexts use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Databases {
    /// As the settings say. Their URLs may hold secrets.
    Configured,
    /// Those of a PostgreSQL of this process's own, which knows no secrets: tools need the whole URLs.
    OwnPostgres,
}

/// The text; its addresses are those of the settings.
pub(super) fn welcome(settings: &Settings, databases: Databases) -> Result<String, ConfigError> {
    let address = reachable(&settings.server.listen);
    let program = ordermesh_console::connect::program();
    let data = data(settings, databases)?;
    let reach = match settings.server.listen.parse::<SocketAddr>() {
        Ok(listen) if listen.ip().is_loopback() => "plaintext, for this machine only",
        _ => "plaintext; WARNING: whoever reaches this port may do everything",
    };
    // A fresh key each start: the printed line places a new order, and repeats it when it is sent again.
    let cart = uuid::Uuid::now_v7();
    Ok(format!(
        r#"ordermesh is ready at {address} ({reach}); data {data}

Place an order:
  {program} order place --addr {address} --sku TEA --quantity 2 --price "4.50 EUR" --payment-token tok_approve
or with grpcurl:
  grpcurl -plaintext -d '{{"request_id":"{cart}","payment_method_token":"tok_approve","lines":[{{"sku":"TEA","quantity":2,"unit_price":{{"currency_code":"EUR","minor_units":450}}}}]}}' {address} ordermesh.order.v1.OrderCommandService/PlaceOrder
Follow the events:
  {program} feed tail --addr {address}
  grpcurl -plaintext -d '{{}}' {address} ordermesh.order.v1.OrderEventService/SubscribeOrderEvents
"#
    ))
}

/// The data directory, or a line a context when some keep their data elsewhere.
fn data(settings: &Settings, databases: Databases) -> Result<String, ConfigError> {
    if settings.in_memory {
        return Ok("in memory, gone when this process ends".to_owned());
    }
    let folder = &settings.data_dir;
    let mut all = Vec::new();
    for context in contexts::ALL {
        all.push((context.name, (context.database_url)(settings)?));
    }
    let mut text = match all.iter().all(|(_, url)| url.is_empty()) {
        true => format!("in {}", folder.display()),
        false => {
            let lines = all.iter().map(|(name, url)| {
                let url = settings.database_url(name, url);
                match databases {
                    Databases::Configured => format!("\n  {name}: {url}"),
                    Databases::OwnPostgres => format!("\n  {name}: {}", url.reveal()),
                }
            });
            format!("in{}", lines.collect::<String>())
        }
    };
    // Each context that has no URL begins in a file of the folder.
    if all.iter().any(|(_, url)| url.is_empty()) {
        text.push_str(&overlooked(folder));
    }
    Ok(text)
}

/// A warning where former runs had `--postgres`, and this one begins beside their data.
fn overlooked(folder: &Path) -> String {
    match postgres::is_in(folder) {
        true => format!(
            "\nWARNING: {} also holds the data of `dev --postgres`; this start, without --postgres, does not serve it",
            folder.display()
        ),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(data_dir: &Path, variables: &[(&str, &str)], databases: Databases) -> String {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let flags = [("data_dir", data_dir.display().to_string())];
        let settings = Settings::load(None, variables, flags, &contexts::sections()).unwrap();
        data(&settings, databases).unwrap()
    }

    const COMMAND: &str = "ORDERMESH_ORDER_COMMAND__DATABASE_URL";
    /// Every context in a database of a PostgreSQL of its own.
    const OWN: [(&str, &str); 4] = [
        (COMMAND, "postgres://o@127.0.0.1:5/a"),
        ("ORDERMESH_ORDER_QUERY__DATABASE_URL", "postgres://o@127.0.0.1:5/b"),
        ("ORDERMESH_INVENTORY__DATABASE_URL", "postgres://o@127.0.0.1:5/c"),
        ("ORDERMESH_PAYMENT__DATABASE_URL", "postgres://o@127.0.0.1:5/d"),
    ];

    #[test]
    fn a_context_that_keeps_its_data_elsewhere_is_said_without_its_password() {
        let shop = Path::new("/shop");
        assert_eq!(said(shop, &[], Databases::Configured), "in /shop");
        let elsewhere = [(COMMAND, "postgres://shop:s3cret@db/orders")];
        assert_eq!(
            said(shop, &elsewhere, Databases::Configured),
            "in\n  order-command: postgres://***@db/orders\n  order-query: sqlite:/shop/order-query.db\n  \
             inventory: sqlite:/shop/inventory.db\n  payment: sqlite:/shop/payment.db"
        );
        let memory = [(COMMAND, "postgres://db/orders"), ("ORDERMESH_IN_MEMORY", "true")];
        assert_eq!(said(shop, &memory, Databases::Configured), "in memory, gone when this process ends");
    }

    #[test]
    fn the_databases_of_a_postgresql_of_its_own_are_said_as_tools_need_them() {
        assert_eq!(
            said(Path::new("/shop"), &OWN, Databases::OwnPostgres),
            "in\n  order-command: postgres://o@127.0.0.1:5/a\n  order-query: postgres://o@127.0.0.1:5/b\n  \
             inventory: postgres://o@127.0.0.1:5/c\n  payment: postgres://o@127.0.0.1:5/d"
        );
    }

    #[test]
    fn the_data_of_a_start_with_postgres_is_not_overlooked_by_one_without() {
        let shop = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(shop.path().join("postgres/data")).unwrap();
        std::fs::write(shop.path().join("postgres/data/PG_VERSION"), "17").unwrap();
        assert!(said(shop.path(), &[], Databases::Configured).contains("WARNING"));
        for databases in [Databases::Configured, Databases::OwnPostgres] {
            assert!(!said(shop.path(), &OWN, databases).contains("WARNING"), "{databases:?}");
        }
    }
}
