//! Whether a log keeps what every feed promises: by itself, event by event, and as a part of a history.

use std::collections::{BTreeMap, HashSet};

use ordermesh_proto::order::v1::OrderEvent;
use ordermesh_proto::order::v1::order_event::Payload;
use uuid::Uuid;

use super::{Entry, Found, Promise};

/// Asserts that a log, read from its beginning, has positions 1, 2, 3, …, for each key revisions 1, 2, 3, …, no
/// event id twice, times that never go back, and payloads that fit their envelopes.
#[track_caller]
pub fn assert_log_is_sound(log: &[OrderEvent]) {
    if let Err(fault) = check_log(log) {
        panic!("the log of {} events is not sound: {fault}", log.len());
    }
}

/// The first fault of a log.
pub fn check_log(log: &[OrderEvent]) -> Result<(), String> {
    let mut ids = HashSet::new();
    let mut revisions = BTreeMap::<&str, i64>::new();
    let mut recorded = (i64::MIN, 0);
    for (event, position) in log.iter().zip(1..) {
        if event.position != position {
            return Err(format!("position {} stands where {position} should", event.position));
        }
        let at = format!("at position {position}");
        let uuid = Uuid::parse_str(&event.event_id).ok().filter(|id| id.get_version_num() == 7);
        if uuid.is_none() || !ids.insert(&event.event_id) {
            return Err(format!("{at}, the event id {:?} is no UUIDv7 or was there before", event.event_id));
        }
        let revision = revisions.entry(&event.key).or_default();
        *revision += 1;
        if event.key_revision != *revision {
            return Err(format!(
                "{at}, {} has revision {} instead of {revision}",
                event.key, event.key_revision
            ));
        }
        let time = event.recorded_time.ok_or_else(|| format!("{at}, recorded_time is missing"))?;
        if (time.seconds, time.nanos) < recorded {
            return Err(format!("{at}, recorded_time goes back to {time}"));
        }
        recorded = (time.seconds, time.nanos);
        check_payload(event).map_err(|fault| format!("{at}, {fault}"))?;
    }
    Ok(())
}

/// The event's name, the order's id and its revision, as the payload has them.
fn said(payload: &Payload) -> (&'static str, &String, i64) {
    macro_rules! each {
        ($($kind:ident)+) => {
            match payload { $(Payload::$kind(it) => (stringify!($kind), &it.order_id, it.order_revision),)+ }
        };
    }
    each! {
        OrderCreated OrderConfirmed OrderRejected OrderExpired OrderCancellationRequested OrderCancelled
        OrderLinesCancelled OrderHoldPlaced OrderHoldReleased PaymentRetryRequested ShipmentDispatched
        ShipmentDelivered ShipmentLost ReturnRequested ReturnApproved ReturnRejected ReturnReceived OrderCompleted
        OrderStockRecorded OrderPaymentRecorded OrderNoteAdded
    }
}

fn check_payload(event: &OrderEvent) -> Result<(), String> {
    let payload = event.payload.as_ref().ok_or("the payload is missing")?;
    let (name, order_id, revision) = said(payload);
    if (name, order_id, revision) != (&event.r#type, &event.key, event.key_revision) {
        return Err(format!("the envelope does not fit its payload: {event:?}"));
    }
    if event.schema_version < 1 || event.occurred_time.is_none() {
        return Err(format!("the envelope is incomplete: {event:?}"));
    }
    Ok(())
}

/// The same of the log of a history, every violation instead of the first one.
pub(super) fn check_entries(log: &[Entry], found: &mut Found) {
    let mut ids = HashSet::new();
    let mut revisions = BTreeMap::<&str, i64>::new();
    let mut last = (0, i64::MIN);
    for entry in log {
        let at = entry.position;
        found.expect(at == last.0 + 1, Promise::PositionsAreGapless, || {
            format!("{at} stands after {}", last.0)
        });
        found.expect(entry.recorded >= last.1, Promise::TimeNeverGoesBack, || {
            format!("{at} was recorded {} µs before the one before it", last.1 - entry.recorded)
        });
        last = (at, entry.recorded);
        found.expect(ids.insert(&entry.event_id), Promise::EventIdsAreUnique, || {
            format!("{} at {at} was there before", entry.event_id)
        });
        let before = revisions.insert(&entry.key, entry.key_revision).unwrap_or_default();
        found.expect(entry.key_revision == before + 1, Promise::RevisionsAreGapless, || {
            format!("{} has revision {} after {before} at {at}", entry.key, entry.key_revision)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ordermesh_proto::order::v1::{OrderCancelled, OrderCreated};

    fn event(position: i64, key: &str, revision: i64) -> OrderEvent {
        let (order_id, order_revision) = (key.to_owned(), revision);
        let (kind, payload) = match revision {
            1 => {
                let created = OrderCreated { order_id, order_revision, ..OrderCreated::default() };
                ("OrderCreated", Payload::OrderCreated(created))
            }
            _ => {
                let cancelled = OrderCancelled { order_id, order_revision, ..OrderCancelled::default() };
                ("OrderCancelled", Payload::OrderCancelled(cancelled))
            }
        };
        let mut event = OrderEvent {
            position,
            event_id: Uuid::now_v7().to_string(),
            r#type: kind.to_owned(),
            schema_version: 1,
            key: key.to_owned(),
            key_revision: revision,
            payload: Some(payload),
            ..OrderEvent::default()
        };
        event.occurred_time.get_or_insert_default().seconds = position;
        event.recorded_time.get_or_insert_default().seconds = position;
        event
    }

    fn sound() -> Vec<OrderEvent> {
        vec![event(1, "a", 1), event(2, "b", 1), event(3, "a", 2), event(4, "b", 2)]
    }

    fn fault(change: impl FnOnce(&mut Vec<OrderEvent>)) -> String {
        let mut log = sound();
        change(&mut log);
        check_log(&log).unwrap_err()
    }

    #[test]
    fn a_sound_log_passes_and_an_empty_one_too() {
        assert_log_is_sound(&sound());
        assert_log_is_sound(&[]);
    }

    #[test]
    fn a_gap_a_double_and_a_wrong_order_of_positions_are_found() {
        assert!(fault(|log| drop(log.remove(1))).contains("position 3 stands where 2 should"));
        assert!(fault(|log| log.insert(2, log[1].clone())).contains("position 2 stands where 3 should"));
        assert!(fault(|log| log.swap(1, 2)).contains("position 3 stands where 2 should"));
        assert!(fault(|log| drop(log.remove(0))).contains("position 2 stands where 1 should"));
    }

    #[test]
    fn a_gap_and_a_double_of_a_keys_revisions_are_found() {
        assert!(fault(|log| log[2] = event(3, "a", 3)).contains("a has revision 3 instead of 2"));
        assert!(fault(|log| log[2] = event(3, "a", 1)).contains("a has revision 1 instead of 2"));
        assert!(fault(|log| log[1] = event(2, "b", 2)).contains("b has revision 2 instead of 1"));
    }

    #[test]
    fn an_event_id_that_is_there_twice_or_is_no_uuid_is_found() {
        assert!(fault(|log| log[3].event_id = log[0].event_id.clone()).contains("was there before"));
        assert!(fault(|log| log[3].event_id = "7".to_owned()).contains("no UUIDv7"));
    }

    #[test]
    fn a_time_that_goes_back_and_a_payload_of_another_event_are_found() {
        assert!(fault(|log| log[3].recorded_time = log[0].recorded_time).contains("goes back"));
        assert!(fault(|log| log[3].r#type = "OrderCreated".to_owned()).contains("does not fit its payload"));
        assert!(fault(|log| log[3].payload = None).contains("payload is missing"));
    }
}
