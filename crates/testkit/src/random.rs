//! Random numbers that can be had again: a failure names its seed.

use uuid::Uuid;

/// A small generator (splitmix64); good enough to pick moments and articles.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator of the seed in an environment variable, or of one that nobody can foresee; prints it to
    /// standard error, which a failing test shows.
    pub fn from_env(variable: &str) -> Self {
        let given = std::env::var(variable).ok().and_then(|seed| seed.parse().ok());
        // The lower half of a UUIDv7 is random.
        let seed = given.unwrap_or_else(|| Uuid::now_v7().as_u64_pair().1);
        eprintln!("seed: {variable}={seed}");
        Self(seed)
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Any number, such as the seed of another generator.
    #[expect(clippy::should_implement_trait, reason = "it never ends, and is no collection")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
