//! sea-orm entities of payment. Amounts are minor units of the payment's currency, times microseconds since 1970 UTC.

/// What is known of the money of one order.
pub mod payment {
    use sea_orm::entity::prelude::*;

    /// One payment.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "payments")]
    pub struct Model {
        /// The order's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub payment_id: Uuid,
        /// Number of the newest event.
        pub revision: i64,
        /// ISO 4217 code of all amounts.
        pub currency: String,
        /// The newest revision of the order that is known.
        pub order_revision: i64,
        /// What the customer owes.
        pub amount_due: i64,
        /// What the order wants of its money.
        pub phase: String,
        /// Word of the status, for lists.
        pub status: String,
        /// Number of the newest attempt; 0 before the first.
        pub attempt: i32,
        /// What is set aside, for lists.
        pub authorized: i64,
        /// What was captured.
        pub captured: i64,
        /// What was given back.
        pub refunded: i64,
        /// Number of the newest operation; 0 before the first.
        pub operations: i32,
        /// Number of the open operation.
        pub open_operation: Option<i32>,
        /// The open operation waits for a person, for lists.
        pub needs_person: bool,
        /// An order that has ended was told that nothing is here.
        pub answered: bool,
        /// The newest fact's correlation id.
        pub correlation_id: String,
        /// When it began.
        pub create_time: i64,
        /// When it last changed.
        pub update_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Means of payment, tried.
pub mod attempt {
    use sea_orm::entity::prelude::*;

    /// One attempt.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "payment_attempts")]
    pub struct Model {
        /// The payment.
        #[sea_orm(primary_key, auto_increment = false)]
        pub payment_id: Uuid,
        /// From 1 on.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        /// The means of payment.
        pub token: String,
        /// What is to be set aside.
        pub amount: i64,
        /// What was.
        pub authorized: i64,
        /// Word of the state.
        pub state: String,
        /// The key of its authorization.
        pub idempotency_key: String,
        /// The provider's id.
        pub provider_reference: Option<String>,
        /// When its authorization was first sent, once its outcome was unknown.
        pub first_sent_time: Option<i64>,
        /// Where the customer must go.
        pub action_url: Option<String>,
        /// Why it was declined.
        pub decline_code: Option<String>,
        /// More about it.
        pub decline_detail: Option<String>,
        /// Another means of payment may be tried.
        pub retryable: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// What is done at the provider: intents, which workers carry out.
pub mod operation {
    use sea_orm::entity::prelude::*;

    /// One operation.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "payment_operations")]
    pub struct Model {
        /// The payment.
        #[sea_orm(primary_key, auto_increment = false)]
        pub payment_id: Uuid,
        /// From 1 on.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        /// Word of the kind.
        pub kind: String,
        /// The attempt.
        pub attempt: i32,
        /// How much.
        pub amount: i64,
        /// The key at the provider.
        pub idempotency_key: String,
        /// Reports of earlier rounds do not count.
        pub round: i32,
        /// How often it was sent.
        pub tries: i32,
        /// How often in a row it did not succeed.
        pub failures: i32,
        /// It was sent and not answered.
        pub uncertain: bool,
        /// Its failure is published.
        pub told: bool,
        /// When it was first sent under its key.
        pub first_sent_time: Option<i64>,
        /// When it is due; NULL when it is closed.
        pub next_try_time: Option<i64>,
        /// The worker's claim.
        pub claim_id: Option<Uuid>,
        /// When another worker may take over.
        pub claim_until: Option<i64>,
        /// done or failed: what the customer has made of an action.
        pub action: Option<String>,
        /// Why it did not succeed last.
        pub last_error: Option<String>,
        /// Who did something about it last.
        pub last_actor: Option<String>,
        /// What that was.
        pub last_action: Option<String>,
        /// When that was.
        pub last_action_time: Option<i64>,
        /// When it began.
        pub create_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
