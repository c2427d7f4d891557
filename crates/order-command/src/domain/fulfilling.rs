//! Fulfilling an order: goods leave, arrive, get lost, come back.

use ordermesh_kernel::{ReturnId, ShipmentId};

use super::{
    Carrier, Change, Fact, LineQuantity, MAX_PARTS, OrderState, Part, ReceivedLine, Refusal, Return,
    ReturnState, Shipment, ShipmentState, TrackingNumber,
};

impl Change {
    /// Lets goods leave: a permission that is asked for before they do.
    pub fn dispatch(
        &mut self,
        lines: Vec<LineQuantity>,
        carrier: Option<Carrier>,
        tracking_number: Option<TrackingNumber>,
    ) -> Result<ShipmentId, Refusal> {
        self.expect_state(|state| state == OrderState::Confirmed)?;
        if !self.head.holds.is_empty() {
            let holds = self.head.holds.iter().map(|hold| hold.id).collect();
            return Err(Refusal::Held { holds });
        }
        if self.head.needs_payment() && self.head.owes() {
            return Err(Refusal::NotCaptured { payment: self.head.payment });
        }
        for wanted in &lines {
            self.expect_pieces(wanted, |line| line.to_dispatch())?;
        }
        expect_room(self.parts.shipments.len(), Part::Shipments)?;
        let progress = self.progress_after(&lines, |progress, quantity| progress.shipped += quantity);
        let (id, state) = (ShipmentId::new_v7(self.now), ShipmentState::Dispatched);
        let dispatched_time = self.now;
        let shipment =
            Shipment { id, lines, carrier, tracking_number, state, dispatched_time, ended_time: None };
        self.happened(Fact::ShipmentDispatched { shipment, progress });
        Ok(id)
    }

    /// A shipment has arrived.
    pub fn deliver(&mut self, id: ShipmentId) -> Result<(), Refusal> {
        let shipment = self.end_shipment(id, ShipmentState::Delivered)?;
        let progress =
            self.progress_after(&shipment.lines, |progress, quantity| progress.delivered += quantity);
        self.happened(Fact::ShipmentDelivered { shipment, progress });
        self.settle();
        Ok(())
    }

    /// A shipment will not arrive; what was in it is no longer owed.
    pub fn lose(&mut self, id: ShipmentId, reason: String) -> Result<(), Refusal> {
        let shipment = self.end_shipment(id, ShipmentState::Lost)?;
        let progress = self.progress_after(&shipment.lines, |progress, quantity| progress.lost += quantity);
        self.happened_reckoned(Fact::ShipmentLost { shipment, progress, reason })?;
        self.settle();
        Ok(())
    }

    fn end_shipment(&self, id: ShipmentId, state: ShipmentState) -> Result<Shipment, Refusal> {
        let shipment = self.parts.shipments.iter().find(|shipment| shipment.id == id);
        let shipment = shipment.ok_or(Refusal::ShipmentNotFound { id })?;
        match shipment.state {
            ShipmentState::Dispatched => {
                Ok(Shipment { state, ended_time: Some(self.now), ..shipment.clone() })
            }
            state => Err(Refusal::ShipmentEnded { state }),
        }
    }

    /// Somebody wants to send delivered goods back.
    pub fn request_return(&mut self, lines: Vec<LineQuantity>, reason: String) -> Result<ReturnId, Refusal> {
        self.expect_state(|state| matches!(state, OrderState::Confirmed | OrderState::Completed))?;
        for wanted in &lines {
            self.expect_pieces(wanted, |line| self.parts.returnable(line))?;
        }
        expect_room(self.parts.returns.len(), Part::Returns)?;
        let id = ReturnId::new_v7(self.now);
        self.happened(Fact::ReturnRequested(Return {
            id,
            lines,
            reason,
            state: ReturnState::Requested,
            received: vec![],
            rejection_reason: String::new(),
            requested_time: self.now,
        }));
        Ok(id)
    }

    /// The goods may be sent back.
    pub fn approve_return(&mut self, id: ReturnId) -> Result<(), Refusal> {
        let goods = self.return_in(id, ReturnState::Requested)?;
        self.happened(Fact::ReturnApproved(Return { state: ReturnState::Approved, ..goods }));
        Ok(())
    }

    /// The goods may not be sent back.
    pub fn reject_return(&mut self, id: ReturnId, rejection_reason: String) -> Result<(), Refusal> {
        let goods = self.return_in(id, ReturnState::Requested)?;
        self.happened(Fact::ReturnRejected(Return {
            state: ReturnState::Rejected,
            rejection_reason,
            ..goods
        }));
        Ok(())
    }

    /// The goods are back; what is accepted is no longer owed.
    pub fn receive_return(&mut self, id: ReturnId, received: Vec<ReceivedLine>) -> Result<(), Refusal> {
        let goods = self.return_in(id, ReturnState::Approved)?;
        let accepted = accepted(&received);
        for one in &accepted {
            self.expect_pieces(one, |_| goods.quantity_of(one.line_id))?;
        }
        let progress = self.progress_after(&accepted, |progress, quantity| progress.returned += quantity);
        let goods = Return { state: ReturnState::Received, received, ..goods };
        self.happened_reckoned(Fact::ReturnReceived { goods, progress })?;
        self.settle();
        Ok(())
    }

    fn return_in(&self, id: ReturnId, state: ReturnState) -> Result<Return, Refusal> {
        let goods = self.parts.returns.iter().find(|goods| goods.id == id);
        let goods = goods.ok_or(Refusal::ReturnNotFound { id })?;
        match goods.state == state {
            true => Ok(goods.clone()),
            false => Err(Refusal::ReturnStateForbids { state: goods.state }),
        }
    }
}

/// What was accepted of each line, in whichever condition.
fn accepted(received: &[ReceivedLine]) -> Vec<LineQuantity> {
    let mut lines: Vec<LineQuantity> = Vec::with_capacity(received.len());
    for one in received {
        match lines.iter_mut().find(|line| line.line_id == one.line_id) {
            // Each is at most a million, and a line has two conditions.
            Some(line) => line.quantity += one.accepted,
            None => lines.push(LineQuantity { line_id: one.line_id, quantity: one.accepted }),
        }
    }
    lines
}

fn expect_room(count: usize, part: Part) -> Result<(), Refusal> {
    match count < MAX_PARTS {
        true => Ok(()),
        false => Err(Refusal::TooManyParts { part, most: MAX_PARTS }),
    }
}
