//! The parts of orders from their rows.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use ordermesh_feed::store::{Table, WriteTransaction};
use ordermesh_kernel::{Currency, Money, OrderId};
use sea_orm::sea_query::Value;
use sea_orm::{DbErr, EntityTrait, FromQueryResult};
use uuid::Uuid;

use super::super::entity::{
    order_hold, order_line, order_line_progress, order_return, order_return_line, order_return_receipt,
    order_shipment, order_shipment_line, order_terms,
};
use super::{broken, time};
use crate::domain::{
    Actor, Carrier, Hold, HoldReason, Line, LineInProgress, LineQuantity, OrderHead, Parts, Progress,
    Quantity, ReceivedLine, Return, ReturnCondition, ReturnState, Shipment, ShipmentState, Shipping, Sku,
    TaxRate, Title, TrackingNumber,
};

type Found = HashMap<OrderId, Parts>;
/// Lines of shipments, or of returns, by their ids.
type Lines = BTreeMap<Uuid, Vec<LineQuantity>>;

/// Orders whose parts are loaded.
pub(in crate::store) struct Loading<'a> {
    pub tx: &'a WriteTransaction,
    pub heads: &'a HashMap<OrderId, OrderHead>,
    pub orders: Vec<Value>,
}

impl Loading<'_> {
    async fn rows<E: EntityTrait>(&self, order_id: E::Column) -> Result<Vec<E::Model>, DbErr>
    where
        E::Model: FromQueryResult,
    {
        Table::<E>::default().find_in(self.tx, order_id, self.orders.clone()).await
    }

    fn currency(&self, order_id: Uuid) -> Result<Currency, DbErr> {
        let head = self.heads.get(&order_id.into());
        head.map(OrderHead::currency).ok_or_else(|| broken(order_id, &"parts without a head"))
    }

    /// The parts of all the orders.
    pub async fn parts(&self) -> Result<Found, DbErr> {
        let mut found = self.terms().await?;
        self.lines(&mut found).await?;
        self.shipments(&mut found).await?;
        self.returns(&mut found).await?;
        for parts in found.values_mut() {
            parts.lines.sort_unstable_by_key(|line| line.line.line_id);
            // Ids are made of the time.
            parts.shipments.sort_unstable_by_key(|shipment| shipment.id);
            parts.returns.sort_unstable_by_key(|goods| goods.id);
        }
        Ok(found)
    }

    async fn terms(&self) -> Result<Found, DbErr> {
        let mut found = Found::new();
        for terms in self.rows::<order_terms::Entity>(order_terms::Column::OrderId).await? {
            let order_id = terms.order_id;
            let rate = TaxRate::from_ppm(terms.shipping_tax_rate_ppm.unwrap_or(0));
            let tax_rate = rate.map_err(|error| broken(order_id, &error))?;
            let currency = self.currency(order_id)?;
            let amount = terms.shipping_amount.map(|amount| Money::new(amount, currency));
            let shipping = amount.map(|amount| Shipping { amount, tax_rate });
            found.insert(order_id.into(), Parts::agreed(terms.prices_include_tax, shipping, []));
        }
        Ok(found)
    }

    async fn lines(&self, found: &mut Found) -> Result<(), DbErr> {
        let mut progress: BTreeMap<(Uuid, i32), Progress> = BTreeMap::new();
        for row in self.rows::<order_line_progress::Entity>(order_line_progress::Column::OrderId).await? {
            let order_line_progress::Model { cancelled, shipped, delivered, lost, returned, .. } = row;
            let of_line = Progress { cancelled, shipped, delivered, lost, returned };
            progress.insert((row.order_id, row.line_id), of_line);
        }
        for row in self.rows::<order_line::Entity>(order_line::Column::OrderId).await? {
            let order_id = row.order_id;
            let progress = progress.get(&(order_id, row.line_id)).copied().unwrap_or_default();
            let line = line(row, self.currency(order_id)?)?;
            of(found, order_id)?.lines.push(LineInProgress { line, progress });
        }
        Ok(())
    }

    async fn shipments(&self, found: &mut Found) -> Result<(), DbErr> {
        let mut lines = Lines::new();
        for row in self.rows::<order_shipment_line::Entity>(order_shipment_line::Column::OrderId).await? {
            let line = LineQuantity { line_id: row.line_id, quantity: row.quantity };
            lines.entry(row.shipment_id).or_default().push(line);
        }
        for row in self.rows::<order_shipment::Entity>(order_shipment::Column::OrderId).await? {
            let (order_id, lines) = (row.order_id, sorted(lines.remove(&row.shipment_id)));
            of(found, order_id)?.shipments.push(shipment(row, lines)?);
        }
        Ok(())
    }

    async fn returns(&self, found: &mut Found) -> Result<(), DbErr> {
        let mut lines = Lines::new();
        for row in self.rows::<order_return_line::Entity>(order_return_line::Column::OrderId).await? {
            let line = LineQuantity { line_id: row.line_id, quantity: row.quantity };
            lines.entry(row.return_id).or_default().push(line);
        }
        let mut received: BTreeMap<Uuid, Vec<ReceivedLine>> = BTreeMap::new();
        for row in self.rows::<order_return_receipt::Entity>(order_return_receipt::Column::OrderId).await? {
            let condition = word(row.order_id, &row.condition, ReturnCondition::parse)?;
            let line = ReceivedLine { line_id: row.line_id, accepted: row.accepted, condition };
            received.entry(row.return_id).or_default().push(line);
        }
        for row in self.rows::<order_return::Entity>(order_return::Column::OrderId).await? {
            let (order_id, id) = (row.order_id, row.return_id);
            let mut received = received.remove(&id).unwrap_or_default();
            received.sort_unstable_by_key(|line| (line.line_id, line.condition));
            let goods = Return {
                id: id.into(),
                lines: sorted(lines.remove(&id)),
                reason: row.reason,
                state: word(order_id, &row.state, ReturnState::parse)?,
                received,
                rejection_reason: row.rejection_reason,
                requested_time: time(order_id, row.requested_time)?,
            };
            of(found, order_id)?.returns.push(goods);
        }
        Ok(())
    }
}

fn of(found: &mut Found, order_id: Uuid) -> Result<&mut Parts, DbErr> {
    found.get_mut(&order_id.into()).ok_or_else(|| broken(order_id, &"parts without terms"))
}

fn sorted(lines: Option<Vec<LineQuantity>>) -> Vec<LineQuantity> {
    let mut lines = lines.unwrap_or_default();
    lines.sort_unstable_by_key(|line| line.line_id);
    lines
}

fn word<T>(order_id: Uuid, text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, DbErr> {
    parse(text).ok_or_else(|| broken(order_id, &text))
}

/// What was checked when it was written.
fn checked<T, E: Display>(order_id: Uuid, value: Result<T, E>) -> Result<T, DbErr> {
    value.map_err(|error| broken(order_id, &error))
}

fn line(row: order_line::Model, currency: Currency) -> Result<Line, DbErr> {
    let (order_id, money) = (row.order_id, |minor| Money::new(minor, currency));
    Ok(Line {
        line_id: row.line_id,
        sku: checked(order_id, Sku::parse(row.sku))?,
        title: checked(order_id, Title::parse(row.title))?,
        quantity: checked(order_id, Quantity::new(row.quantity))?,
        unit_price: money(row.unit_price),
        tax_rate: checked(order_id, TaxRate::from_ppm(row.tax_rate_ppm))?,
        amount: money(row.amount),
        discount: money(row.discount),
        tax: money(row.tax),
    })
}

fn shipment(row: order_shipment::Model, lines: Vec<LineQuantity>) -> Result<Shipment, DbErr> {
    let order_id = row.order_id;
    Ok(Shipment {
        id: row.shipment_id.into(),
        lines,
        carrier: checked(order_id, row.carrier.map(Carrier::parse).transpose())?,
        tracking_number: checked(order_id, row.tracking_number.map(TrackingNumber::parse).transpose())?,
        state: word(order_id, &row.state, ShipmentState::parse)?,
        dispatched_time: time(order_id, row.dispatched_time)?,
        ended_time: row.ended_time.map(|ended| time(order_id, ended)).transpose()?,
    })
}

/// A hold in force.
pub(in crate::store) fn hold(row: order_hold::Model) -> Result<Hold, DbErr> {
    let order_id = row.order_id;
    let actor = Actor::parse(&row.actor_kind, row.actor_name);
    Ok(Hold {
        id: row.hold_id.into(),
        reason: word(order_id, &row.reason, HoldReason::parse)?,
        note: row.note,
        actor: actor.ok_or_else(|| broken(order_id, &row.actor_kind))?,
        placed_time: time(order_id, row.placed_time)?,
    })
}
