//! What must hold of stock and reservations.

use std::collections::BTreeMap;

use ordermesh_proto::inventory::v1::{Reservation, ReservationState};

use super::Court;
use crate::snapshot::{Place, Snapshot};

const HELD: &str = "stock: reserved is what the reservations hold";
const SUM: &str = "stock: on hand is what came less what left";

pub(super) fn judge(snapshot: &Snapshot, court: &mut Court) {
    let (mut reserved, mut consumed) = (BTreeMap::<Place, i64>::new(), BTreeMap::<Place, i64>::new());
    for (id, reservation) in &snapshot.reservations {
        judge_reservation(id, reservation, court);
        for line in &reservation.lines {
            let place = (line.sku.clone(), line.location.clone());
            *reserved.entry(place.clone()).or_default() += i64::from(line.reserved);
            *consumed.entry(place).or_default() += i64::from(line.consumed);
        }
    }
    for (place, item) in &snapshot.stock {
        let subject = subject(place);
        let negative = item.on_hand < 0 || item.reserved < 0 || item.available < 0;
        court.expect(!negative, "stock: never negative", &subject, || format!("{item:?}"));
        court.expect(
            item.on_hand == item.available + item.reserved,
            "stock: on hand = available + reserved",
            &subject,
            || format!("{} ≠ {} + {}", item.on_hand, item.available, item.reserved),
        );
        let of_reservations = reserved.remove(place).unwrap_or(0);
        if snapshot.moving_stock.contains(place) {
            court.abstain(HELD, &subject);
        } else {
            court.expect(item.reserved == of_reservations, HELD, &subject, || {
                format!("{} ≠ {of_reservations}", item.reserved)
            });
        }
        let came = snapshot.stock_changes.get(place).copied().unwrap_or(0);
        let left = consumed.get(place).copied().unwrap_or(0);
        if snapshot.truncated_stock.contains(place) {
            continue;
        }
        if snapshot.moving_stock.contains(place) {
            court.abstain(SUM, &subject);
        } else {
            court.expect(item.on_hand == came - left, SUM, &subject, || {
                format!("{} ≠ {came} - {left}", item.on_hand)
            });
        }
    }
    for (place, held) in reserved.into_iter().filter(|(_, held)| *held != 0) {
        court.find(HELD, &subject(&place), || format!("{held} are held of a stock that is not there"));
    }
}

fn subject((sku, location): &Place) -> String {
    format!("{sku}@{location}")
}

fn judge_reservation(id: &str, reservation: &Reservation, court: &mut Court) {
    for line in &reservation.lines {
        let parts = [line.reserved, line.consumed, line.released, line.lost];
        let whole = parts.iter().sum::<i32>() == line.quantity && parts.iter().all(|part| *part >= 0);
        court.expect(whole, "reservation: quantity = reserved + consumed + released + lost", id, || {
            format!("{line:?}")
        });
        // What was missed and has left all the same counts as lost, and may come back too.
        let back = line.restocked <= line.consumed + line.lost;
        court.expect(back, "reservation: no more comes back than has left", id, || format!("{line:?}"));
    }
    let held: i32 = reservation.lines.iter().map(|line| line.reserved).sum();
    let over = matches!(
        reservation.state(),
        ReservationState::Released | ReservationState::Rejected | ReservationState::Consumed
    );
    court.expect(!over || held == 0, "reservation: one that is over holds nothing", id, || {
        format!("{} with {held} pieces", reservation.state().as_str_name())
    });
}
