//! `ordermesh feed rebuild`: rebuilds a read model and shows how far it is.

use std::io::{IsTerminal, stderr};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ordermesh_console::connect::{Common, Session, unary};
use ordermesh_console::failure::Failure;
use ordermesh_console::output;
use ordermesh_proto::feed::v1::{
    ListProjectionsRequest, RebuildProjectionRequest, RebuildProjectionResponse,
};

use super::services;

/// Where no bar can be drawn, such as in a log, a line is written each time so much more is done.
const PERCENT_STEP: i64 = 5;

/// Which read model.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// Name of the projection, as `feed projections` lists it
    name: Option<String>,
}

/// Starts the rebuild and stays until the new tables are live: the server gives up when we leave.
pub async fn run(rebuild: Rebuild, common: Common) -> Result<(), Failure> {
    let session = Session::open(common).await?;
    let Some(name) = rebuild.name else { return Err(unnamed(&session).await?) };
    let request = RebuildProjectionRequest { name: name.clone() };
    let mut frames = services::projections(&session).rebuild_projection(request).await?.into_inner();
    let mut progress = Progress::new(session.out.is_json());
    while let Some(frame) = frames.message().await? {
        if session.out.is_json() {
            session.out.lines(&[session.out.value(&frame)?])?;
        } else {
            progress.show(&frame);
        }
        if frame.done {
            progress.finish();
            return match session.out.is_json() {
                true => Ok(()),
                false => session.out.text(&format!("{name} is rebuilt up to position {}", frame.position)),
            };
        }
    }
    progress.finish();
    Err(Failure::unexpected("the rebuild ended before the new tables were live; the old ones serve on"))
}

/// A rebuild is work for the server: which one is never guessed, not even when there is only one.
async fn unnamed(session: &Session) -> Result<Failure, Failure> {
    let request = unary(ListProjectionsRequest {});
    let projections =
        services::projections(session).list_projections(request).await?.into_inner().projections;
    let failure = Failure::usage("name the projection to rebuild");
    Ok(projections.iter().fold(failure, |failure, projection| {
        let command = session.address.command(format_args!("feed rebuild {}", projection.name));
        failure.hint(format_args!("this server has {}: `{command}`", projection.name))
    }))
}

enum Progress {
    /// Programs read the frames themselves.
    Silent,
    Bar(ProgressBar),
    /// The percentage last written; `None` before the first.
    Lines(Option<i64>),
}

impl Progress {
    fn new(json: bool) -> Self {
        if json {
            return Self::Silent;
        }
        if !stderr().is_terminal() {
            return Self::Lines(None);
        }
        let bar = ProgressBar::new(0);
        // A template that cannot be read would only cost the looks.
        if let Ok(style) =
            ProgressStyle::with_template("{wide_bar} {percent:>3} %  {pos}/{len} events  {eta} left")
        {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    fn show(&mut self, frame: &RebuildProjectionResponse) {
        match self {
            Self::Silent => {}
            Self::Bar(bar) => {
                bar.set_length(frame.head_position.try_into().unwrap_or_default());
                bar.set_position(frame.position.try_into().unwrap_or_default());
            }
            Self::Lines(last) => {
                let percent = percent(frame.position, frame.head_position);
                if last.is_none_or(|last| percent >= last + PERCENT_STEP) {
                    output::note(&format!("{percent} %  {}/{} events", frame.position, frame.head_position));
                    *last = Some(percent);
                }
            }
        }
    }

    fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// An empty log is done at once.
fn percent(position: i64, head: i64) -> i64 {
    match head {
        ..=0 => 100,
        head => position.clamp(0, head).saturating_mul(100) / head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_between_nothing_and_all() {
        assert_eq!(
            [(0, 0), (0, 10), (5, 10), (12, 10)].map(|(at, head)| percent(at, head)),
            [100, 0, 50, 100]
        );
    }
}
