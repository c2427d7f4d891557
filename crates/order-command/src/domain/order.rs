//! The whole order: its head and the terms that were agreed when it was placed.

use std::sync::Arc;
use std::time::Duration;

use ordermesh_kernel::{BillingAccountId, OrderId, OrderReference, PaymentMethodToken, Timestamp};

use super::{
    Actor, Buyer, Discount, Fact, Line, OrderDraft, OrderEvent, OrderHead, Parts, PersonalData, Refusal,
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

/// What was agreed when the order was placed: the snapshot that the creation tells.
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
    /// Places an order: computes its sums and refuses what does not add up. What is owed must be paid within
    /// `payment_window`. The order is a fold of the events.
    pub fn place(
        id: OrderId,
        draft: OrderDraft,
        actor: Actor,
        now: Timestamp,
        payment_window: Duration,
    ) -> Result<(Self, Vec<OrderEvent>), Refusal> {
        let terms = Arc::new(OrderTerms::agree(id, draft)?);
        let amount_due = terms.totals.total;
        // A window that leads past the end of time never ends.
        let deadline = now.checked_add(payment_window).ok();
        let payment_deadline = deadline.filter(|_| !amount_due.is_zero());
        let stamp = Stamp { order_id: id, actor, amount_due, order_revision: 1, occurred_time: now };
        let order = Self::created(&stamp, terms.clone(), payment_deadline);
        let (fact, status) = (Fact::Created { terms, payment_deadline }, order.head.status());
        Ok((order, vec![OrderEvent { stamp, fact, status }]))
    }

    fn created(stamp: &Stamp, terms: Arc<OrderTerms>, payment_deadline: Option<Timestamp>) -> Self {
        let head = OrderHead::created(stamp, terms.pieces(), payment_deadline);
        Self { head, terms, placed_time: stamp.occurred_time }
    }

    /// Takes in what an event says. A creation starts over, whatever was there before.
    pub fn apply(&mut self, event: &OrderEvent) {
        match &event.fact {
            Fact::Created { terms, payment_deadline } => {
                *self = Self::created(&event.stamp, terms.clone(), *payment_deadline);
            }
            _ => self.head.apply(event),
        }
    }

    /// The order that a history makes; none without the creation at its start.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a OrderEvent>) -> Option<Self> {
        let mut events = events.into_iter();
        let first = events.next()?;
        let Fact::Created { terms, payment_deadline } = &first.fact else { return None };
        let mut order = Self::created(&first.stamp, terms.clone(), *payment_deadline);
        events.for_each(|event| order.apply(event));
        Some(order)
    }

    /// The parts of an order that was just placed.
    pub fn parts(&self) -> Parts {
        Parts::agreed(self.terms.prices_include_tax, self.terms.shipping, self.terms.lines.iter().cloned())
    }
}

impl OrderTerms {
    /// How many pieces were ordered, all lines together.
    pub fn pieces(&self) -> i64 {
        self.lines.iter().map(|line| i64::from(line.quantity.get())).sum()
    }

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
