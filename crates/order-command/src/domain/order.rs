//! The whole order: its head and the terms that were agreed when it was placed.

use std::sync::Arc;

use ordermesh_kernel::{BillingAccountId, OrderId, OrderReference, PaymentMethodToken, Timestamp};

use super::{
    Actor, Buyer, Discount, Line, OrderCreated, OrderDraft, OrderEvent, OrderHead, PersonalData, Refusal,
    Shipping, Stamp, Totals, totals::price,
};

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What every event changes.
    pub head: OrderHead,
    /// What was agreed; it never changes, so the order shares it with its first event.
    pub terms: Arc<OrderTerms>,
    /// When the order was placed.
    pub placed_time: Timestamp,
}

/// What was agreed when the order was placed: the snapshot that OrderCreated tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderTerms {
    /// The shop's own number of the order, or the order's id.
    pub order_reference: OrderReference,
    /// Who buys.
    pub buyer: Buyer,
    /// The account that pays, when it is not the buyer's own.
    pub billing_account_id: Option<BillingAccountId>,
    /// The payment provider's token for the means of payment.
    pub payment_method_token: Option<PaymentMethodToken>,
    /// The lines with their arithmetic.
    pub lines: Vec<Line>,
    /// What the shipping costs; none means nothing.
    pub shipping: Option<Shipping>,
    /// The discounts.
    pub discounts: Vec<Discount>,
    /// Whether the prices contain the tax.
    pub prices_include_tax: bool,
    /// The sums.
    pub totals: Totals,
    /// Contact and addresses; none when none were given or when they were erased.
    pub personal: Option<PersonalData>,
}

impl Order {
    /// Places an order: computes its sums and refuses what does not add up. The order is a fold of the
    /// events.
    pub fn place(
        id: OrderId,
        draft: OrderDraft,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(Self, Vec<OrderEvent>), Refusal> {
        let terms = Arc::new(OrderTerms::agree(id, draft)?);
        let amount_due = terms.totals.total;
        let stamp = Stamp { order_id: id, actor, amount_due, order_revision: 1, occurred_time: now };
        let created = OrderCreated { stamp, terms };
        Ok((Self::from_created(&created), vec![OrderEvent::Created(Box::new(created))]))
    }

    /// The order as its first event tells it.
    pub fn from_created(created: &OrderCreated) -> Self {
        let head = OrderHead::created(&created.stamp);
        Self { head, terms: created.terms.clone(), placed_time: created.stamp.occurred_time }
    }

    /// Takes in what an event says. A creation starts over, whatever was there before.
    pub fn apply(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Created(created) => *self = Self::from_created(created),
            OrderEvent::CancellationRequested(_) | OrderEvent::Cancelled(_) => self.head.apply(event),
        }
    }

    /// The order that a history makes; none without the creation at its start.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a OrderEvent>) -> Option<Self> {
        let mut events = events.into_iter();
        let Some(OrderEvent::Created(created)) = events.next() else { return None };
        let mut order = Self::from_created(created);
        events.for_each(|event| order.apply(event));
        Some(order)
    }
}

impl OrderTerms {
    fn agree(id: OrderId, draft: OrderDraft) -> Result<Self, Refusal> {
        let (lines, totals) = price(&draft)?;
        Ok(Self {
            order_reference: draft.order_reference.unwrap_or_else(|| id.into()),
            buyer: draft.buyer,
            billing_account_id: draft.billing_account_id,
            payment_method_token: draft.payment_method_token,
            lines,
            shipping: draft.shipping,
            discounts: draft.discounts,
            prices_include_tax: draft.prices_include_tax,
            totals,
            personal: draft.personal,
        })
    }
}
