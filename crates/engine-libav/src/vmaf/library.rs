//! What Netflix's libvmaf declares in `libvmaf.h`, as far as versions 2 and 3 have it in common: the only file that knows its
//! functions. No threads of its own, no words, and the built-in model `vmaf_v0.6.1`.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use pipeline::Luma;

use super::Unusable;

const MODEL: &CStr = c"vmaf_v0.6.1";
/// `VMAF_PIX_FMT_YUV420P`: version 2.0 has no format without colours. The model looks at none, and they stay as they come.
const FORMAT: c_int = 1;
/// Held while a model is read, for which the library changes the whole process's locale for a moment.
static READING: Mutex<()> = Mutex::new(());

/// One run of the library: pictures of one size go in, scores come out.
pub(super) struct Session {
    functions: &'static Library,
    context: *mut Context,
    model: *mut Model,
}

impl Session {
    /// Features that need one picture alone are looked for in every one of so many.
    pub(super) fn open(library: &'static Library, spacing: u32) -> Result<Self, Unusable> {
        let configuration = Configuration { subsample: spacing, ..Configuration::default() };
        let mut new = Self { functions: library, context: ptr::null_mut(), model: ptr::null_mut() };
        let wanted = ModelConfiguration { name: ptr::null(), flags: 0 };
        let _alone = READING.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: both are written where there is room for them, and freed when `new` is dropped; the rest is read during the
        // calls, and the version ends with a zero byte.
        unsafe {
            said((library.init)(&mut new.context, configuration), "begin")?;
            said((library.model_load)(&mut new.model, &wanted, MODEL.as_ptr()), "find its model vmaf_v0.6.1")?;
            said((library.use_features_from_model)(new.context, new.model), "use its model")?;
        }
        Ok(new)
    }

    /// Hands in a picture of the source and one that was made of it. Indexes go up from 0 by one.
    pub(super) fn read(&mut self, source: &Luma, coded: &Luma, index: u32) -> Result<(), Unusable> {
        let mut source = self.picture(source)?;
        let mut coded = match self.picture(coded) {
            Ok(coded) => coded,
            Err(error) => {
                // SAFETY: a picture of the library's own, which nobody else has.
                unsafe { (self.functions.picture_unref)(&mut source) };
                return Err(error);
            }
        };
        // SAFETY: the context is open, and takes both pictures, whatever it answers.
        let answer = unsafe { (self.functions.read_pictures)(self.context, &mut source, &mut coded, index) };
        said(answer, "compare pictures")
    }

    /// No more pictures come.
    pub(super) fn end(&mut self) -> Result<(), Unusable> {
        // SAFETY: the context is open; without pictures it does what it still had to do.
        said(unsafe { (self.functions.read_pictures)(self.context, ptr::null_mut(), ptr::null_mut(), 0) }, "end")
    }

    /// After the end.
    pub(super) fn score(&self, index: u32) -> Result<f64, Unusable> {
        let mut score = 0.0;
        // SAFETY: context and model are open, and the score is written where there is room for it.
        let answer = unsafe { (self.functions.score_at_index)(self.context, self.model, &mut score, index) };
        said(answer, "give a score")?;
        Some(score).filter(|score| score.is_finite()).ok_or_else(|| "it gives a score that is no number".to_owned())
    }

    /// A picture of the library's own, with this luma.
    fn picture(&self, luma: &Luma) -> Result<Picture, Unusable> {
        let size = |length: usize| c_uint::try_from(length).map_err(|_| "a picture is too large for it".to_owned());
        let (width, height) = (size(luma.width())?, size(luma.height())?);
        let mut picture = Picture::default();
        // SAFETY: `picture` has room for what any version writes; what it holds then is `height` rows of at least `width`
        // bytes, `stride` apart.
        unsafe {
            said((self.functions.picture_alloc)(&mut picture, FORMAT, 8, width, height), "make a picture")?;
            let (data, stride) = (picture.data[0].cast::<u8>(), picture.stride[0]);
            for (y, row) in (0..).zip(luma.rows()) {
                ptr::copy_nonoverlapping(row.as_ptr(), data.offset(stride * y), row.len());
            }
        }
        Ok(picture)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: each is open or null, nobody else has it, and the context, which may look at the model, goes first.
        unsafe {
            if !self.context.is_null() {
                (self.functions.close)(self.context);
            }
            if !self.model.is_null() {
                (self.functions.model_destroy)(self.model);
            }
        }
    }
}

/// An answer as the library gives it: 0, or the negative number of an error of the system's.
fn said(answer: c_int, what: &str) -> Result<(), Unusable> {
    match answer {
        0 => Ok(()),
        error => Err(format!("it could not {what}: {}", std::io::Error::from_raw_os_error(error.wrapping_neg()))),
    }
}

#[repr(C)]
struct Context(c_void);

#[repr(C)]
struct Model(c_void);

/// `VmafConfiguration`. Version 2 does not know the last field; one of so many bytes is handed over in memory, where it is not
/// looked at.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Configuration {
    log_level: c_int,
    threads: c_uint,
    subsample: c_uint,
    cpu_mask: u64,
    gpu_mask: u64,
}

/// `VmafModelConfig`.
#[repr(C)]
struct ModelConfiguration {
    name: *const c_char,
    flags: u64,
}

/// `VmafPicture`, with room for what later versions may add.
#[repr(C)]
struct Picture {
    format: c_int,
    bits: c_uint,
    width: [c_uint; 3],
    height: [c_uint; 3],
    stride: [isize; 3],
    data: [*mut c_void; 3],
    owners: *mut c_void,
    private: *mut c_void,
    spare: [usize; 8],
}

impl Default for Picture {
    fn default() -> Self {
        let none = ptr::null_mut();
        Self {
            format: 0,
            bits: 0,
            width: [0; 3],
            height: [0; 3],
            stride: [0; 3],
            data: [none; 3],
            owners: none,
            private: none,
            spare: [0; 8],
        }
    }
}

/// The functions of a library that was loaded for as long as the process runs.
pub(super) struct Library {
    /// What it says of itself.
    pub(super) version: String,
    init: unsafe extern "C" fn(*mut *mut Context, Configuration) -> c_int,
    close: unsafe extern "C" fn(*mut Context) -> c_int,
    model_load: unsafe extern "C" fn(*mut *mut Model, *const ModelConfiguration, *const c_char) -> c_int,
    model_destroy: unsafe extern "C" fn(*mut Model),
    use_features_from_model: unsafe extern "C" fn(*mut Context, *mut Model) -> c_int,
    picture_alloc: unsafe extern "C" fn(*mut Picture, c_int, c_uint, c_uint, c_uint) -> c_int,
    picture_unref: unsafe extern "C" fn(*mut Picture) -> c_int,
    read_pictures: unsafe extern "C" fn(*mut Context, *mut Picture, *mut Picture, c_uint) -> c_int,
    score_at_index: unsafe extern "C" fn(*mut Context, *mut Model, *mut f64, c_uint) -> c_int,
}

impl Library {
    pub(super) fn load(path: &str) -> Result<Self, Unusable> {
        let name = CString::new(path).map_err(|_| "its path has a zero byte".to_owned())?;
        // SAFETY: the name ends with a zero byte. What the library does when it is loaded is up to the operator who named it;
        // it stays for as long as the process runs.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if handle.is_null() {
            return Err(complaint());
        }
        // SAFETY: these are the types that `libvmaf.h` declares, in versions 2 and 3, for the functions of these names.
        unsafe {
            let version: unsafe extern "C" fn() -> *const c_char = symbol(handle, c"vmaf_version")?;
            let version = version();
            let version = (!version.is_null()).then(|| CStr::from_ptr(version).to_string_lossy().into_owned());
            Ok(Self {
                version: version.unwrap_or_default(),
                init: symbol(handle, c"vmaf_init")?,
                close: symbol(handle, c"vmaf_close")?,
                model_load: symbol(handle, c"vmaf_model_load")?,
                model_destroy: symbol(handle, c"vmaf_model_destroy")?,
                use_features_from_model: symbol(handle, c"vmaf_use_features_from_model")?,
                picture_alloc: symbol(handle, c"vmaf_picture_alloc")?,
                picture_unref: symbol(handle, c"vmaf_picture_unref")?,
                read_pictures: symbol(handle, c"vmaf_read_pictures")?,
                score_at_index: symbol(handle, c"vmaf_score_at_index")?,
            })
        }
    }
}

/// A function of a library.
///
/// # Safety
/// `F` is a pointer to a function of the type that the library has under this name.
unsafe fn symbol<F: Copy>(handle: *mut c_void, name: &CStr) -> Result<F, Unusable> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the handle is one of a loaded library, and the name ends with a zero byte.
    let found = unsafe { libc::dlsym(handle, name.as_ptr()) };
    if found.is_null() {
        return Err(format!("it has no {}: it is no libvmaf of version 2 or 3", name.to_string_lossy()));
    }
    // SAFETY: of one size, and of the type that the caller vouches for.
    Ok(unsafe { std::mem::transmute_copy(&found) })
}

/// What the loader says of its last failure.
fn complaint() -> Unusable {
    // SAFETY: the answer is null or a text of the loader's, which stays until it is next asked.
    unsafe {
        let said = libc::dlerror();
        if said.is_null() {
            return "it cannot be loaded".to_owned();
        }
        CStr::from_ptr(said).to_string_lossy().into_owned()
    }
}
