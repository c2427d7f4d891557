//! A bar on a terminal for work on many rows; nothing where no bar can be drawn, such as in a log.

use indicatif::{ProgressBar, ProgressStyle};

/// Shows how much of something is done.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar over things of a name such as "events".
    pub fn over(things: &str) -> Self {
        let bar = ProgressBar::new(0);
        let template =
            format!("{{msg:22}} {{wide_bar}} {{percent:>3}} %  {{pos}}/{{len}} {things}  {{eta}} left");
        // A template that cannot be read would only cost the looks.
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows what is being worked on.
    pub fn name(&self, name: &str) {
        if self.0.message() != name {
            self.0.set_message(name.to_owned());
        }
    }

    /// Shows that so many of so many are done; of a total that is not known yet, when it is 0.
    pub fn show(&self, done: u64, total: u64) {
        match total {
            0 => self.0.unset_length(),
            total => self.0.set_length(total),
        }
        self.0.set_position(done);
    }

    /// Shows what is being done, and how much of it is.
    pub fn step(&self, name: &str, done: u64, total: u64) {
        self.name(name);
        self.show(done, total);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
