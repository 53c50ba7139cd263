//! A pipeline, what goes wrong in it, and chains of elements inside it.

use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gst::glib;
use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app::{AppSink, AppSrc};
use pipeline::EngineError;

use crate::graph::{Chain, Step};

/// How long to wait for media before looking whether something went wrong.
pub(crate) const LOOK_EVERY: gst::ClockTime = gst::ClockTime::from_mseconds(100);

/// One pipeline; its chains share a device's context.
pub(crate) struct Machine {
    pipeline: gst::Pipeline,
    fault: Arc<Mutex<Option<String>>>,
    cancelled: AtomicBool,
}

/// Both ends of a chain.
pub(crate) struct Ends {
    pub(crate) source: AppSrc,
    pub(crate) sink: AppSink,
    elements: Vec<gst::Element>,
}

impl Ends {
    /// The element of this factory.
    pub(crate) fn element(&self, factory: &str) -> Option<&gst::Element> {
        self.elements.iter().find(|one| one.factory().is_some_and(|found| found.name() == factory))
    }
}

impl Machine {
    pub(crate) fn new() -> Result<Self, EngineError> {
        let pipeline = gst::Pipeline::new();
        // Nothing here is shown as it comes.
        pipeline.use_clock(None::<&gst::Clock>);
        let fault = Arc::new(Mutex::new(None));
        let bus = pipeline.bus().ok_or_else(|| engine("a pipeline has no bus"))?;
        let slot = Arc::clone(&fault);
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                let from = error.src().map_or_else(String::new, |src| src.name().to_string());
                let said = format!("{from}: {} ({})", error.error(), error.debug().unwrap_or_default());
                slot.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(said);
            }
            gst::BusSyncReply::Drop
        });
        let started = pipeline.set_state(gst::State::Playing);
        started.map_err(|error| engine(format!("a pipeline does not start: {error}")))?;
        Ok(Self { pipeline, fault, cancelled: AtomicBool::new(false) })
    }

    /// Adds a chain with room for `room` buffers before it and behind it, and starts it.
    pub(crate) fn add(&self, chain: &Chain, room: u32) -> Result<Ends, EngineError> {
        let source = AppSrc::builder().format(gst::Format::Time).block(true).max_buffers(room.into()).max_bytes(0);
        let source = source.max_time(gst::ClockTime::ZERO).build();
        // Ends that waited for each other's first picture would wait for ever.
        let sink = AppSink::builder().sync(false).async_(false).max_buffers(room).wait_on_eos(false).build();
        let mut elements = vec![source.clone().upcast::<gst::Element>()];
        for step in chain {
            elements.push(make(step)?);
        }
        elements.push(sink.clone().upcast());
        let failed = |error: glib::BoolError| engine(format!("a graph cannot be built: {error}"));
        self.pipeline.add_many(&elements).map_err(failed)?;
        gst::Element::link_many(&elements).map_err(failed)?;
        for element in elements.iter().rev() {
            let started = element.sync_state_with_parent();
            started
                .map_err(|_| self.fault().unwrap_or_else(|| engine(format!("{} does not start", element.name()))))?;
        }
        Ok(Ends { source, sink, elements })
    }

    /// Takes note of what went wrong beside the pipeline, so that all threads come to know it.
    pub(crate) fn note<T>(&self, result: Result<T, EngineError>) -> Result<T, EngineError> {
        result.inspect_err(|error| {
            if *error != EngineError::Stopped {
                self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.to_string());
            }
        })
    }

    /// What went wrong, or that nobody wants the result.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(EngineError::Stopped);
        }
        self.fault().map_or(Ok(()), Err)
    }

    fn fault(&self) -> Option<EngineError> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone().map(engine)
    }

    /// Ends all work: whoever waits for the pipeline goes on.
    pub(crate) fn stop(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        // Going down cannot fail.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The machine or its driver is at fault.
pub(crate) fn engine(detail: impl Into<String>) -> EngineError {
    EngineError::Engine { detail: detail.into() }
}

pub(crate) fn caps(text: &str) -> Result<gst::Caps, EngineError> {
    gst::Caps::from_str(text).map_err(|_| engine(format!("`{text}` is no form of media")))
}

fn make(step: &Step) -> Result<gst::Element, EngineError> {
    let create = |name: &str| {
        let made = gst::ElementFactory::make_with_name(name, None);
        made.map_err(|_| engine(format!("this installation has no {name}")))
    };
    match step {
        Step::Form(text) => {
            let filter = create("capsfilter")?;
            filter.set_property("caps", caps(text)?);
            Ok(filter)
        }
        Step::Element(name, properties) => {
            let element = create(name)?;
            for (property, value) in properties {
                set(&element, property, value).map_err(|error| engine(format!("{name}: {error}")))?;
            }
            Ok(element)
        }
    }
}

/// Sets a property; an encoder that was not told everything is not used.
fn set(element: &gst::Element, property: &str, value: &str) -> Result<(), String> {
    let known = element.find_property(property).ok_or_else(|| format!("it has no property {property}"))?;
    let value = glib::Value::deserialize_with_pspec(value, &known)
        .map_err(|_| format!("its property {property} cannot be {value}"))?;
    element.set_property_from_value(property, &value);
    Ok(())
}
