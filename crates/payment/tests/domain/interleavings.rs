//! Random interleavings of what orders tell, in order, repeated and old, with all that can happen to calls.

use ordermesh_payment::domain::{
    OrderFact, OrderFactKind, Payment, PaymentEvent, PaymentStatus, Phase, What,
};
use proptest::prelude::*;

use crate::provider::{Luck, Provider, state, work, work_to_rest};
use crate::support::{TERMS, at, fact, token};

#[derive(Clone, Copy, Debug)]
enum Move {
    NextFact,
    OldFact(u8),
    Work(Luck),
    Wait(i64),
    /// A person looks at the provider and states what has happened.
    State,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let luck = prop_oneof![
        4 => Just(Luck::Good),
        2 => Just(Luck::AnswerLost),
        1 => Just(Luck::CallLost),
        2 => Just(Luck::Crash),
        1 => Just(Luck::Busy),
        1 => Just(Luck::Refused),
        1 => Just(Luck::Action),
    ];
    let one = prop_oneof![
        3 => Just(Move::NextFact),
        2 => any::<u8>().prop_map(Move::OldFact),
        6 => luck.prop_map(Move::Work),
        1 => Just(Move::State),
        1 => prop_oneof![Just(10), Just(3_600), Just(90_000)].prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 0..60)
}

/// What an order may tell: its creation, then retries, less owed, a confirmation or not, an end or not.
fn facts() -> impl Strategy<Value = Vec<OrderFact>> {
    let kinds = prop::collection::vec((0_u8..5, 0_i64..40), 0..8);
    (any::<bool>(), kinds).prop_map(|(has_token, kinds)| {
        let mut due = 100;
        let first = OrderFactKind::Created { token: has_token.then(|| token("tok")) };
        let mut facts = vec![fact(1, due, first)];
        let mut ended = false;
        for (revision, (kind, less)) in (2..).zip(kinds) {
            let kind = match kind {
                _ if ended => OrderFactKind::Changed,
                0 => OrderFactKind::RetryRequested { token: token("tok"), attempt: revision as i32 },
                1 | 2 => OrderFactKind::Confirmed,
                3 => OrderFactKind::Ended,
                _ => OrderFactKind::Changed,
            };
            ended |= kind == OrderFactKind::Ended;
            due = if ended { 0 } else { (due - less).max(0) };
            facts.push(fact(revision, due, kind));
        }
        facts
    })
}

struct Story {
    payment: Option<Payment>,
    provider: Provider,
    events: Vec<PaymentEvent>,
    heard: usize,
}

impl Story {
    fn hear(&mut self, fact: &OrderFact, second: i64) {
        let now = at(second);
        if self.payment.is_none() {
            self.payment = Payment::begin(fact, now);
        }
        if let Some(payment) = &mut self.payment {
            self.events.extend(payment.observe(fact, &TERMS, now).unwrap());
        }
    }

    fn check(&self) {
        assert!(self.provider.charges() <= 1, "two charges: {:?}", self.provider.intents);
        for (number, event) in (1..).zip(&self.events) {
            assert_eq!(event.stamp.revision, number);
            let amounts = event.stamp.amounts;
            let [authorized, captured, refunded] =
                [amounts.authorized, amounts.captured, amounts.refunded].map(|money| money.minor_units());
            assert!(0 <= refunded && refunded <= captured && captured <= authorized, "{event:?}");
        }
        if let Some(payment) = &self.payment {
            let held = payment.attempt.as_ref().map_or(0, |attempt| attempt.in_force());
            assert!(payment.refunded <= payment.captured && payment.captured <= held);
        }
    }

    fn check_at_rest(&self, last: &OrderFact) {
        let Some(payment) = &self.payment else { return };
        assert_eq!(payment.kept(), self.provider.kept(), "what is known is what is so");
        assert_eq!(payment.order_revision, last.order_revision);
        match payment.phase {
            Phase::Ended => {
                assert_eq!(payment.kept(), 0);
                assert_eq!(self.provider.charges(), usize::from(payment.captured > 0));
                let settles = |event: &&PaymentEvent| {
                    matches!(event.what, What::Voided { .. } | What::Refunded { .. })
                        && event.stamp.amounts.captured == event.stamp.amounts.refunded
                };
                assert!(self.events.iter().any(|event| settles(&event)), "no answer: {:?}", self.events);
                assert!(payment.is_at_rest());
            }
            Phase::Confirmed => match payment.status() {
                PaymentStatus::Declined | PaymentStatus::Voided => assert_eq!(payment.kept(), 0),
                _ => assert_eq!(payment.kept(), payment.amount_due),
            },
            Phase::Placed => assert_eq!(payment.kept(), 0),
        }
        let attempt =
            payment.attempt.as_ref().filter(|_| payment.is_at_rest() && payment.phase != Phase::Ended);
        let told = |event: &PaymentEvent| {
            Some(event.stamp.attempt) == attempt.map(|own| own.number)
                && !matches!(event.what, What::OutcomeUnknown { .. } | What::ActionRequired { .. })
        };
        assert!(attempt.is_none() || self.events.iter().any(told), "it is told what the attempt came to");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn money_ends_where_the_newest_revision_wants_it_whatever_happens_meanwhile(
        facts in facts(),
        moves in moves(),
    ) {
        let mut story = Story { payment: None, provider: Provider::default(), events: Vec::new(), heard: 0 };
        let mut second = 0;
        for step in moves {
            second += 1;
            match step {
                Move::NextFact if story.heard < facts.len() => {
                    story.hear(&facts[story.heard], second);
                    story.heard += 1;
                }
                Move::OldFact(which) if story.heard > 0 => {
                    let before = story.payment.clone();
                    story.hear(&facts[usize::from(which) % story.heard], second);
                    prop_assert_eq!(&before, &story.payment, "an old fact changes nothing");
                }
                Move::Work(luck) => {
                    if let Some(payment) = &mut story.payment {
                        story.events.extend(work(payment, &mut story.provider, luck, at(second)));
                    }
                }
                Move::State => {
                    if let Some(payment) = &mut story.payment {
                        story.events.extend(state(payment, &mut story.provider, at(second)));
                    }
                }
                Move::Wait(seconds) => second += seconds,
                Move::NextFact | Move::OldFact(_) => {}
            }
            story.check();
        }
        for fact in &facts[story.heard..] {
            second += 1;
            story.hear(fact, second);
            story.check();
        }
        if let Some(payment) = &mut story.payment {
            story.events.extend(work_to_rest(payment, &mut story.provider, second));
        }
        story.check();
        story.check_at_rest(facts.last().unwrap());
    }
}
