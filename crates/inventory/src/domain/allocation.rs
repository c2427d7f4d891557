//! From which locations a reservation takes its pieces.
//!
//! Line by line: the location with the most available pieces, the first by name among equals. A parcel from one place
//! costs less than two, so only a line that no location has all of is split, over the locations in the same order.

use super::{ItemKey, Pieces, Sku};

/// What a line of a reservation wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Number of the line, from 1 on.
    pub line_id: i32,
    /// The article.
    pub sku: Sku,
    /// How many pieces, at least 1.
    pub quantity: i64,
}

/// An article of which there is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The article.
    pub sku: Sku,
    /// How many pieces all lines together want.
    pub requested: i64,
    /// How many there are in all locations.
    pub available: i64,
}

/// Takes all lines from what is available, or tells what is missing. `available` gives an article's locations with
/// what is available there.
pub fn allocate(
    wanted: &[Wanted],
    available: impl Fn(&Sku) -> Vec<(ItemKey, i64)>,
) -> Result<Vec<Pieces>, Vec<Shortage>> {
    let mut articles: Vec<Article> = Vec::new();
    for line in wanted {
        let known = articles.iter_mut().find(|article| article.sku == line.sku);
        match known {
            Some(article) => article.requested += line.quantity,
            None => articles.push(Article {
                sku: line.sku.clone(),
                requested: line.quantity,
                places: available(&line.sku),
            }),
        }
    }
    let shortages: Vec<_> = articles.iter().filter_map(Article::shortage).collect();
    if !shortages.is_empty() {
        return Err(shortages);
    }
    let mut pieces = Vec::with_capacity(wanted.len());
    for line in wanted {
        if let Some(article) = articles.iter_mut().find(|article| article.sku == line.sku) {
            article.take(line, &mut pieces);
        }
    }
    Ok(pieces)
}

/// What is still available of an article while its lines are served.
struct Article {
    sku: Sku,
    requested: i64,
    places: Vec<(ItemKey, i64)>,
}

impl Article {
    fn shortage(&self) -> Option<Shortage> {
        let available = self.places.iter().map(|(_, pieces)| pieces).sum();
        let (sku, requested) = (self.sku.clone(), self.requested);
        (available < requested).then_some(Shortage { sku, requested, available })
    }

    fn take(&mut self, line: &Wanted, pieces: &mut Vec<Pieces>) {
        self.places.sort_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.cmp(other)));
        let mut missing = line.quantity;
        for (key, left) in &mut self.places {
            let quantity = missing.min(*left);
            if quantity > 0 {
                *left -= quantity;
                missing -= quantity;
                let (line_id, location) = (line.line_id, key.location.clone());
                pieces.push(Pieces { line_id, sku: line.sku.clone(), location, quantity });
            }
        }
    }
}
