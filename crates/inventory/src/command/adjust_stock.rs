//! AdjustStock: somebody counted, or goods are lost.

use ordermesh_feed::commit::{Command, CommandIdentity, CommitError, Committed, Committer};
use ordermesh_kernel::Timestamp;

use crate::domain::{Change, Loss, Refusal, StockItem};
use crate::store::{StockUnit, Want};

/// Corrects an item.
#[derive(Clone, Debug)]
pub struct AdjustStock {
    /// Where, why, and who says so.
    pub change: Change,
    /// What is known.
    pub adjustment: Adjustment,
    /// Load the reservations that may lose pieces. They can be many and hardly ever lose any, so that a first attempt goes
    /// without; it is refused by [`Refusal::HoldersNeeded`] when they are needed.
    pub with_holders: bool,
}

/// What is known of an item's pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    /// So many are there.
    Counted(i64),
    /// So many more, or fewer, are there than were thought.
    Change(i64),
}

/// An item after its correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockAdjusted {
    /// The item.
    pub item: StockItem,
    /// What reservations have lost; of the first [`MAX_LOSSES`].
    pub losses: Vec<Loss>,
}

/// Losses that an answer names: it is kept, and must fit into a message. Each is told by its event.
pub const MAX_LOSSES: usize = 1000;

impl Command<StockUnit> for AdjustStock {
    type Answer = StockAdjusted;
    type Refusal = Refusal;

    fn wants(&self) -> Vec<Want> {
        match self.with_holders {
            true => vec![Want::Holders(self.change.key.clone())],
            false => vec![Want::Article(self.change.key.sku.clone())],
        }
    }

    fn decide(&self, unit: &mut StockUnit, now: Timestamp) -> Result<StockAdjusted, Refusal> {
        let change = self.change.clone();
        let (item, mut losses) = match self.adjustment {
            Adjustment::Counted(counted) => unit.ledger.count_to(change, counted, now)?,
            Adjustment::Change(difference) => unit.ledger.adjust(change, difference, now)?,
        };
        losses.truncate(MAX_LOSSES);
        Ok(StockAdjusted { item, losses })
    }
}

/// Carries it out, with the reservations loaded only when they lose pieces.
pub async fn execute(
    committer: &Committer<StockUnit>,
    identity: CommandIdentity,
    command: AdjustStock,
) -> Result<Committed<StockAdjusted>, CommitError<Refusal>> {
    match committer.execute(identity.clone(), command.clone()).await {
        Err(CommitError::Refused(Refusal::HoldersNeeded(_))) => {
            committer.execute(identity, AdjustStock { with_holders: true, ..command }).await
        }
        done => done,
    }
}
