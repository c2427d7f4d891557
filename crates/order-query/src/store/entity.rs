//! sea-orm entities of the read model. Amounts are minor units of the order's currency, times microseconds since
//! 1970 UTC.

/// The order views: what is found by, and the order itself as encoded messages.
pub mod order_view {
    use sea_orm::entity::prelude::*;

    /// One order.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_views")]
    pub struct Model {
        /// Identity.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// The shop's own number.
        pub order_reference: String,
        /// The customer; none for a guest.
        pub customer_id: Option<String>,
        /// Word of the state such as PLACED.
        pub state: String,
        /// ISO 4217 code of all amounts.
        pub currency: String,
        /// What the order costs.
        pub total_minor: i64,
        /// When it was placed.
        pub placed_time: i64,
        /// When it last changed.
        pub update_time: i64,
        /// Number of the newest event.
        pub revision: i64,
        /// The encoded `ordermesh.order.v1.Order`, without personal data.
        pub body: Vec<u8>,
        /// The encoded `ordermesh.order.v1.OrderPersonalData`: beside the body, so that it can be erased.
        pub personal: Option<Vec<u8>>,
        /// What the notes say, encoded: beside the body for the same reason. None when no note says anything.
        pub note_texts: Option<Vec<u8>>,
        /// Word of the payment such as CAPTURED.
        pub payment: String,
        /// Word of the stock such as RESERVED.
        pub stock: String,
        /// Word of the goods such as PARTIAL.
        pub fulfilment: String,
        /// Whether any hold is in force.
        pub held: bool,
        /// What it waits for: for each `ordermesh.order.v1.WaitingForWhat` the bit of its number.
        pub waiting_for: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Which orders have an article.
pub mod order_view_sku {
    use sea_orm::entity::prelude::*;

    /// One article of one order.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_view_skus")]
    pub struct Model {
        /// The article.
        #[sea_orm(primary_key, auto_increment = false)]
        pub sku: String,
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// When the order was placed: here too, so that a list by article is read in its order.
        pub placed_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// What happened to each order.
pub mod order_timeline {
    use sea_orm::entity::prelude::*;

    /// One event of one order.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_timeline")]
    pub struct Model {
        /// The order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: Uuid,
        /// The order's revision after it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub revision: i64,
        /// Place in the order feed.
        pub position: i64,
        /// Identity of the event.
        pub event_id: Uuid,
        /// Name of the event.
        pub kind: String,
        /// When it happened.
        pub occurred_time: i64,
        /// Word of the kind of who caused it; empty when nobody is known.
        pub actor_kind: String,
        /// Name of who caused it.
        pub actor_name: String,
        /// What led to it.
        pub causation_id: String,
        /// One line for people.
        pub summary: String,
        /// Word of the state after it.
        pub state: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// How often a projection's tables were made.
pub mod projection_generation {
    use sea_orm::entity::prelude::*;

    /// One projection's count.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "projection_generations")]
    pub struct Model {
        /// Name of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub projection: String,
        /// Number of the newest tables.
        pub generation: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
