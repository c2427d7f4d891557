//! How the URL of a database is written for a person who reads it later, perhaps in another folder.

use crate::config::MaskedUrl;

/// The same database; a file of SQLite by its absolute path.
pub fn absolute(url: &MaskedUrl) -> MaskedUrl {
    let path = url.reveal().strip_prefix("sqlite:");
    let path = path.map(|path| path.strip_prefix("//").unwrap_or(path));
    match path.map(std::path::absolute) {
        Some(Ok(path)) => MaskedUrl::from(format!("sqlite:{}", path.display())),
        // No file, or one without a name, which whoever opens it refuses.
        Some(Err(_)) | None => url.clone(),
    }
}

/// The URL as an argument of a command to run next; `URL`, for the person to fill in, when it has secrets.
pub fn argument(url: &MaskedUrl) -> String {
    let url = absolute(url);
    let shown = url.to_string();
    if shown == url.reveal() { shown } else { "URL".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{OpenError, fence::Fence};

    fn url(text: &str) -> MaskedUrl {
        MaskedUrl::from(text.to_owned())
    }

    #[test]
    fn a_file_is_named_by_its_absolute_path() {
        let here = std::env::current_dir().unwrap();
        for relative in ["sqlite:data/a.db", "sqlite://data/a.db", "sqlite:./data/a.db"] {
            let expected = format!("sqlite:{}", here.join("data/a.db").display());
            assert_eq!(absolute(&url(relative)).reveal(), expected);
        }
        for same in ["sqlite:/data/a.db", "sqlite:", "postgres://shop@db/orders"] {
            assert_eq!(absolute(&url(same)).reveal(), same);
        }
    }

    #[test]
    fn the_command_that_takes_a_fence_away_can_be_given_as_it_is_or_says_what_to_fill_in() {
        let said = |text: &str| {
            let fence = Fence { copied_to: "there".to_owned(), fenced_time: "then".to_owned() };
            OpenError::Fenced { url: url(text), fence }.to_string()
        };
        let file = said("sqlite:/data/a.db");
        assert!(file.ends_with("run `ordermesh store unfence --database sqlite:/data/a.db`"), "{file}");
        let secret = said("postgres://shop:s3cret@db/orders");
        assert!(secret.ends_with("run `ordermesh store unfence --database URL`"), "{secret}");
        assert!(secret.starts_with("postgres://***@db/orders was copied"), "{secret}");
    }
}
