//! `dev --postgres`: a PostgreSQL server of its own below the data directory, with a database for each context.

use std::path::Path;

use ordermesh_cluster::{Cluster, ClusterError};

use crate::contexts;

/// Where it is in the data directory.
const FOLDER: &str = "postgres";

/// The server, which ends with this, and how contexts find it.
pub(super) struct OwnPostgres {
    /// Settings as variables of the environment.
    pub variables: Vec<(String, String)>,
    _cluster: Cluster,
}

/// Whether a data directory holds the data of such a server.
pub(super) fn is_in(data_dir: &Path) -> bool {
    Cluster::is_at(&data_dir.join(FOLDER))
}

/// Starts the server on the data of its former run, or on new data.
pub(super) fn start(data_dir: &Path) -> Result<OwnPostgres, ClusterError> {
    let cluster = Cluster::at(&data_dir.join(FOLDER))?;
    let mut variables = Vec::new();
    for context in contexts::ALL {
        let database = format!("ordermesh_{}", context.section);
        cluster.create_database(&database)?;
        let section = context.section.to_uppercase();
        variables.push((format!("ORDERMESH_{section}__DATABASE_URL"), cluster.url(&database)));
    }
    Ok(OwnPostgres { variables, _cluster: cluster })
}
