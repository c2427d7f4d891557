//! `ordermesh verify`: are all invariants of the platform kept on this running system?

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use ordermesh_console::connect::{Address, Common, Session, parse_address};
use ordermesh_console::failure::Failure;
use ordermesh_console::render::facts;
use ordermesh_verify::{Endpoints, Question, Verdict, verify};

/// Offences that are shown; what is broken as a whole breaks very many.
const SHOWN: usize = 50;

/// Where the servers are, when not all at one address, and how long to look.
#[derive(Debug, Args)]
pub struct VerifyCommand {
    #[command(flatten)]
    common: Common,
    /// Address of the read server (order-query), when it is another
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    order_query: Option<Address>,
    /// Address of inventory, when it is another
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    inventory: Option<Address>,
    /// Address of payment, when it is another
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    payment: Option<Address>,
    /// How many seconds servers that are at work may take to agree; what is wrong after it is reported
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=3600))]
    patience: u16,
}

/// Looks, prints the verdict, and fails when something is wrong.
pub async fn run(command: VerifyCommand) -> Result<(), Failure> {
    let session = Session::open(command.common.clone()).await?;
    let at = async |address: Option<Address>| match address {
        Some(addr) => {
            Session::open(Common { addr, ..command.common.clone() }).await.map(|other| other.channel())
        }
        None => Ok(session.channel()),
    };
    let endpoints = Endpoints {
        order_command: session.channel(),
        order_query: at(command.order_query).await?,
        inventory: at(command.inventory).await?,
        payment: at(command.payment).await?,
    };
    let patience = Duration::from_secs(command.patience.into());
    let verdict = verify(&endpoints, patience).await.map_err(Failure::unexpected)?;
    match session.out.is_json() {
        true => session.out.document(&json(&verdict))?,
        false => session.out.text(&text(&verdict))?,
    }
    match verdict.offences.len() {
        0 => Ok(()),
        1 => Err(Failure::unexpected("an invariant is broken")),
        count => Err(Failure::unexpected(format_args!("invariants are broken in {count} places"))),
    }
}

fn json(verdict: &Verdict) -> serde_json::Value {
    let offence = |offence: &ordermesh_verify::Offence| {
        serde_json::json!({
            "invariant": offence.invariant,
            "subject": offence.subject,
            "detail": offence.detail,
        })
    };
    let unjudged = |question: &Question| {
        let (invariant, subject) = question;
        serde_json::json!({ "invariant": invariant, "subject": subject })
    };
    serde_json::json!({
        "orders": verdict.orders,
        "open_orders": verdict.open_orders,
        "orders_without_beginning": verdict.truncated,
        "waiting": verdict.waiting,
        "waiting_when_final": verdict.waiting_when_final,
        "stock_items": verdict.stock_items,
        "stock_without_beginning": verdict.truncated_stock,
        "reservations": verdict.reservations,
        "payments": verdict.payments,
        "events": verdict.events,
        "unjudged": verdict.unjudged.iter().map(unjudged).collect::<Vec<_>>(),
        "offences": verdict.offences.iter().map(offence).collect::<Vec<_>>(),
    })
}

fn text(verdict: &Verdict) -> String {
    let judged = facts(&[
        (
            "orders",
            format!(
                "{}, {} of them not final, each with what it waits for",
                verdict.orders, verdict.open_orders
            ),
        ),
        (
            "truncated",
            match verdict.truncated {
                0 => String::new(),
                count => format!("{count} orders more, whose first events are gone, were not judged"),
            },
        ),
        ("waiting", waiting(&verdict.waiting)),
        ("final, waiting", waiting(&verdict.waiting_when_final)),
        ("stock", stock(verdict)),
        ("reservations", verdict.reservations.to_string()),
        ("payments", verdict.payments.to_string()),
        ("events", verdict.events.to_string()),
        (
            "not judged",
            match verdict.unjudged_subjects() {
                0 => String::new(),
                count => format!(
                    "{count} articles, orders or payments, which changed whenever they were looked at"
                ),
            },
        ),
    ]);
    let mut lines = vec![judged, String::new()];
    lines.extend(verdict.offences.iter().take(SHOWN).map(ToString::to_string));
    match verdict.offences.len() {
        0 if verdict.unjudged.is_empty() => lines.push("every invariant holds".to_owned()),
        0 => lines.push("every invariant holds that could be judged".to_owned()),
        count if count > SHOWN => lines.push(format!("… and {} more", count - SHOWN)),
        _ => {}
    }
    lines.join("\n")
}

/// What orders wait for, with how many of them do: `delivery 3, stock release 1`.
fn waiting(counts: &BTreeMap<String, usize>) -> String {
    let count = |(name, count): (&String, &usize)| format!("{} {count}", name.replace('_', " "));
    counts.iter().map(count).collect::<Vec<_>>().join(", ")
}

fn stock(verdict: &Verdict) -> String {
    match verdict.truncated_stock {
        0 => format!("{} articles at locations", verdict.stock_items),
        count => format!(
            "{} articles at locations; of {count} the first changes are gone, so that what came and left was not summed up",
            verdict.stock_items
        ),
    }
}
