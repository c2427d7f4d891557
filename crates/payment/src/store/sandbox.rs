//! The sandbox's own tables: what a provider would keep. It uses transactions of its own, as if it were elsewhere.

/// Charges, as the sandbox knows them.
pub mod charge {
    use sea_orm::entity::prelude::*;

    /// One charge.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sandbox_charges")]
    pub struct Model {
        /// The sandbox's id of it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub reference: String,
        /// The key that it was made under.
        pub idempotency_key: String,
        /// What it is for, for whoever looks.
        pub payment_id: String,
        /// The card.
        pub token: String,
        /// How much, in minor units.
        pub amount: i64,
        /// created, action_required, authorized, captured, declined or canceled.
        pub standing: String,
        /// What was captured.
        pub captured: i64,
        /// How often its authorization was asked for.
        pub tries: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Captures and refunds by key, so that a repeated one has the first one's answer.
pub mod call {
    use sea_orm::entity::prelude::*;

    /// One answered call.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sandbox_calls")]
    pub struct Model {
        /// The key.
        #[sea_orm(primary_key, auto_increment = false)]
        pub idempotency_key: String,
        /// The charge.
        pub reference: String,
        /// capture or refund.
        pub kind: String,
        /// How much.
        pub amount: i64,
        /// Whether it was done; otherwise refused.
        pub done: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
