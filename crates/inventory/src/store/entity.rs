//! sea-orm entities of inventory. Quantities are pieces, times microseconds since 1970 UTC.

/// The articles: the row that a transaction locks before it changes any stock of the article.
pub mod article {
    use sea_orm::entity::prelude::*;

    /// One article that inventory has or had.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stock_articles")]
    pub struct Model {
        /// The article.
        #[sea_orm(primary_key, auto_increment = false)]
        pub sku: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The stock.
pub mod item {
    use sea_orm::entity::prelude::*;

    /// The stock of an article at a location.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stock_items")]
    pub struct Model {
        /// The article.
        #[sea_orm(primary_key, auto_increment = false)]
        pub sku: String,
        /// The location.
        #[sea_orm(primary_key, auto_increment = false)]
        pub location: String,
        /// Pieces that are there.
        pub on_hand: i64,
        /// Those of them that belong to reservations.
        pub reserved: i64,
        /// At or below so many available pieces it is low.
        pub reorder_level: Option<i64>,
        /// Whether it is.
        pub low: bool,
        /// Number of its events so far.
        pub revision: i64,
        /// When it last changed.
        pub update_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The reservations.
pub mod reservation {
    use sea_orm::entity::prelude::*;

    /// One reservation.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "reservations")]
    pub struct Model {
        /// Identity.
        #[sea_orm(primary_key, auto_increment = false)]
        pub reservation_id: Uuid,
        /// It is an order's.
        pub of_order: bool,
        /// Word of the state.
        pub state: String,
        /// When it ends by itself.
        pub expire_time: Option<i64>,
        /// Number of its events so far.
        pub revision: i64,
        /// When it was made.
        pub create_time: i64,
        /// When it last changed.
        pub update_time: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// What became of their pieces.
pub mod part {
    use sea_orm::entity::prelude::*;

    /// The pieces of a line at a location.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "reservation_parts")]
    pub struct Model {
        /// The reservation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub reservation_id: Uuid,
        /// Number within the reservation, from 0 on, in the order in which the pieces were taken.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        /// Number of the line.
        pub line_id: i32,
        /// The article.
        pub sku: String,
        /// The location.
        pub location: String,
        /// Pieces that were set aside.
        pub quantity: i64,
        /// Those that still are.
        pub reserved: i64,
        /// Those that have left.
        pub consumed: i64,
        /// Those given back before they left.
        pub released: i64,
        /// Those lost while they were set aside.
        pub lost: i64,
        /// Those of the consumed ones that are stock again.
        pub restocked: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The returns whose pieces are stock again.
pub mod restocked_return {
    use sea_orm::entity::prelude::*;

    /// One return.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "restocked_returns")]
    pub struct Model {
        /// The reservation.
        #[sea_orm(primary_key, auto_increment = false)]
        pub reservation_id: Uuid,
        /// The return.
        #[sea_orm(primary_key, auto_increment = false)]
        pub return_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
