//! What an order has several of, each with an id of its own.

use ordermesh_proto::order::v1::{OrderHold, OrderNote, OrderReturn, Shipment};

/// A part of an order that is known by its id.
pub(super) trait Part: Clone {
    fn id(&self) -> &str;
}

macro_rules! parts {
    ($($kind:ident: $id:ident),+ $(,)?) => {$(
        impl Part for $kind {
            fn id(&self) -> &str {
                &self.$id
            }
        }
    )+};
}

parts! { Shipment: shipment_id, OrderReturn: return_id, OrderHold: hold_id, OrderNote: note_id }

/// Adds a part after those that are there, `most` of them at most: a row that grows without end would one day be
/// too large to be written, read or sent. The write server keeps to the same bounds.
pub(super) fn add<P: Part>(
    what: &str,
    most: usize,
    parts: &mut Vec<P>,
    part: Option<&P>,
) -> Result<(), String> {
    let part = part.ok_or_else(|| format!("it has no {what}"))?;
    match parts.iter().position(|known| known.id() == part.id()) {
        Some(place) => parts[place].clone_from(part),
        None if parts.len() >= most => return Err(format!("the order has {most} {what}s already")),
        None => parts.push(part.clone()),
    }
    Ok(())
}

/// Puts a part in the place of what it was before.
pub(super) fn replace<P: Part>(what: &str, parts: &mut [P], part: Option<&P>) -> Result<(), String> {
    let part = part.ok_or_else(|| format!("it has no {what}"))?;
    let known = parts.iter_mut().find(|known| known.id() == part.id());
    known.ok_or_else(|| unknown(what, part))?.clone_from(part);
    Ok(())
}

/// Takes a part away.
pub(super) fn remove<P: Part>(what: &str, parts: &mut Vec<P>, part: Option<&P>) -> Result<(), String> {
    let part = part.ok_or_else(|| format!("it has no {what}"))?;
    let place = parts.iter().position(|known| known.id() == part.id()).ok_or_else(|| unknown(what, part))?;
    parts.remove(place);
    Ok(())
}

fn unknown(what: &str, part: &impl Part) -> String {
    format!("the order has no {what} {}", part.id())
}
