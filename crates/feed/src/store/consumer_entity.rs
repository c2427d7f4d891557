//! sea-orm entities of the consumer runtime beside its checkpoint. Times are microseconds since 1970, UTC.

/// Events that had their effect out of the checkpoint's order.
pub mod inbox {
    use sea_orm::entity::prelude::*;

    /// One event that a consumer has applied from its parking.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "inbox")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub consumer: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub event_id: Uuid,
        pub recorded_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Parked keys whose events the runtime applies by itself.
pub mod parked_work {
    use sea_orm::entity::prelude::*;

    /// When a parked key's next event is due. A parked key without such a row waits for an operator.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "parked_work")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub consumer: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        pub due_time: i64,
        /// Tries of the event so far; negative for an operator's replay, which has one.
        pub tries: i32,
        pub suppress_effects: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
