//! What needs a person here: operations that fail, and authorizations whose outcome stays unknown. They go on being tried
//! meanwhile, and leave the queue when they succeed.

use async_trait::async_trait;
use ordermesh_feed::commit::{CommandIdentity, Committer, fingerprint};
use ordermesh_feed::event::Cause;
use ordermesh_kernel::OrderId;
use ordermesh_service::attention::{AttentionError, AttentionItem, AttentionSource, LastAction, Settlement};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::command::resolve_payment_operation::ResolvePaymentOperation;
use crate::command::retry_payment_operation::RetryPaymentOperation;
use crate::domain::{AttemptState, Operation, OperationKind, Payment, Resolution, Terms};
use crate::grpc;
use crate::store::{PaymentReader, PaymentsUnit};
use crate::worker::Wake;

/// The resolutions that an item takes.
const RESOLUTIONS: &[&str] = &["DONE", "NOT_DONE"];

/// Operations that need a person.
pub struct FailingOperations {
    /// Finds them.
    pub reader: PaymentReader,
    /// Retries and settles them.
    pub committer: Committer<PaymentsUnit>,
    /// How patient payment is with its provider.
    pub terms: Terms,
    /// Has the worker look.
    pub wake: Wake,
}

impl FailingOperations {
    /// An item's payment and operation: `PAYMENT.NUMBER`.
    async fn item(&self, id: &str) -> Result<Option<(Payment, Operation)>, DbErr> {
        let Some((payment_id, number)) = parse(id) else { return Ok(None) };
        let whole = self.reader.get(payment_id).await?;
        let payment = whole.map(|whole| whole.payment).filter(Payment::needs_person);
        Ok(payment.and_then(|payment| {
            let operation = payment.operation.clone().filter(|operation| operation.number == number)?;
            Some((payment, operation))
        }))
    }

    fn identity(method: &'static str, (payment, operation): (&Payment, &Operation)) -> CommandIdentity {
        // Of two who press the same button at once one is enough; after the next failure it counts anew.
        let Operation { number, round, tries, failures, .. } = operation;
        let name = format!("{number}/{round}/{tries}/{failures}");
        let request_id = Uuid::new_v5(payment.id.as_uuid(), name.as_bytes()).to_string();
        CommandIdentity {
            method,
            principal: "policy:attention".to_owned(),
            fingerprint: fingerprint(request_id.as_bytes()),
            bytes: 512,
            cause: Cause {
                correlation_id: payment.correlation_id.clone(),
                causation_id: request_id.clone(),
                ..Cause::default()
            },
            request_id,
        }
    }
}

fn parse(id: &str) -> Option<(OrderId, i32)> {
    let (payment, number) = id.split_once('.')?;
    Some((OrderId::parse(payment).ok()?, number.parse().ok()?))
}

#[async_trait]
impl AttentionSource for FailingOperations {
    fn name(&self) -> &'static str {
        "payment.operations"
    }

    async fn list(&self, after: &str, limit: u64) -> Result<Vec<AttentionItem>, DbErr> {
        let mut after = parse(after).map(|(payment, _)| payment);
        let mut items = Vec::new();
        loop {
            let wanted = limit.saturating_sub(items.len() as u64);
            let payments = self.reader.in_need(after, wanted).await?;
            let is_last = (payments.len() as u64) < wanted;
            after = payments.last().map(|payment| payment.id).or(after);
            // What was settled while it was read is left out, and the page still full: a short one would be the last.
            let in_need = payments.iter().filter_map(|own| Some(item(own, own.operation.as_ref()?)));
            items.extend(in_need);
            if is_last || items.len() as u64 >= limit {
                return Ok(items);
            }
        }
    }

    async fn find(&self, id: &str) -> Result<Option<AttentionItem>, DbErr> {
        Ok(self.item(id).await?.map(|(payment, operation)| item(&payment, &operation)))
    }

    async fn retry(&self, id: &str, actor: &str) -> Result<(), AttentionError> {
        let (payment, operation) = self.item(id).await?.ok_or(AttentionError::NotFound)?;
        let identity = Self::identity("RetryPaymentOperation", (&payment, &operation));
        let (payment_id, operation, actor) = (payment.id, operation.number, actor.to_owned());
        let retried =
            self.committer.execute(identity, RetryPaymentOperation { payment_id, operation, actor }).await;
        self.wake.wake();
        retried.map(drop).map_err(|error| AttentionError::Refused(grpc::problem(error)))
    }

    async fn resolve(&self, id: &str, settlement: &Settlement) -> Result<(), AttentionError> {
        let (payment, operation) = self.item(id).await?.ok_or(AttentionError::NotFound)?;
        let resolution = match settlement.resolution.as_str() {
            "DONE" => Resolution::Done,
            "NOT_DONE" => Resolution::NotDone,
            other => return Err(AttentionError::Forbidden { what: format!("settled as {other}") }),
        };
        let mut identity = Self::identity("ResolvePaymentOperation", (&payment, &operation));
        identity.fingerprint = fingerprint(settlement.resolution.as_bytes());
        let command = ResolvePaymentOperation {
            payment_id: payment.id,
            operation: operation.number,
            resolution,
            actor: settlement.actor.clone(),
            note: settlement.note.clone(),
            terms: self.terms,
        };
        let resolved = self.committer.execute(identity, command).await;
        self.wake.wake();
        resolved.map(drop).map_err(|error| AttentionError::Refused(grpc::problem(error)))
    }
}

fn item(payment: &Payment, operation: &Operation) -> AttentionItem {
    let unknown = payment.attempt.as_ref().is_some_and(|attempt| attempt.state == AttemptState::Unknown);
    let error = operation.last_error.as_deref().unwrap_or("the provider's answer did not come");
    AttentionItem {
        id: format!("{}.{}", payment.id, operation.number),
        kind: match operation.kind {
            _ if unknown => "OUTCOME_UNKNOWN",
            OperationKind::Authorize | OperationKind::Inquire => "AUTHORIZATION_FAILED",
            OperationKind::Capture => "CAPTURE_FAILED",
            OperationKind::Void => "VOID_FAILED",
            OperationKind::Refund => "REFUND_FAILED",
        },
        subject: payment.id.to_string(),
        detail: format!("{} of {}: {error}", operation.kind.as_str(), payment.money(operation.amount)),
        since: operation.create_time,
        attempts: operation.tries,
        next_attempt: operation.next_try,
        retryable: true,
        resolutions: RESOLUTIONS,
        last_action: operation.deed.as_ref().map(|deed| LastAction {
            actor: deed.actor.clone(),
            what: deed.action.clone(),
            time: deed.time,
        }),
    }
}
