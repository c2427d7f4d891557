//! sea-orm entities of consumer groups and registered subscribers. Times are microseconds since 1970, UTC.

/// The groups, one row each.
pub mod consumer_group {
    use sea_orm::entity::prelude::*;

    /// One group.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "consumer_groups")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub feed_id: Uuid,
        /// An encoded SubscribeRequest with the start and the filter that the group was made with.
        pub terms: Vec<u8>,
        /// The newest epoch that was given to a member.
        pub epoch: i64,
        pub created_time: i64,
        /// Empty while the group delivers.
        pub stopped_reason: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Members with an open stream. Without its row an epoch owns nothing.
pub mod group_member {
    use sea_orm::entity::prelude::*;

    /// One member.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "group_members")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub group_name: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub member: String,
        pub epoch: i64,
        pub lease_until: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The slots of a group: shares of its keys.
pub mod group_slot {
    use sea_orm::entity::prelude::*;

    /// One slot.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "group_slots")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub group_name: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub slot: i32,
        /// The owner; 0 or an epoch without a member: nobody.
        pub epoch: i64,
        /// How far the slot's events have become deliveries or parked events.
        pub position: i64,
        pub event_id: Option<Uuid>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Events that were taken from the log for a member and are not acknowledged.
pub mod group_delivery {
    use sea_orm::entity::prelude::*;

    /// One event on its way.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "group_deliveries")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub group_name: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        pub slot: i32,
        pub key: String,
        pub event_id: Uuid,
        /// The slot's owner when the row was written.
        pub epoch: i64,
        /// `queued`, `sent`, `waiting`, `failed` or `poison`.
        pub state: String,
        /// How often it was sent.
        pub attempt: i32,
        /// When the acknowledgement must be there (sent) or the next attempt is made (waiting).
        pub due_time: i64,
        pub last_error: String,
        /// It comes from the parking.
        pub replay: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Subscribers that keep their own place and report it.
pub mod subscriber {
    use sea_orm::entity::prelude::*;

    /// One subscriber.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "subscribers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub position: i64,
        pub event_id: Option<Uuid>,
        pub reported_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
