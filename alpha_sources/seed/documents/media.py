"""Sounds and films: their duration, the sound in parts for a transcription server, some frames."""

from __future__ import annotations

import io
import wave
from dataclasses import replace
from typing import Any

from alpha_sources.seed.documents.cleaning import one_line
from alpha_sources.seed.documents.dating import from_metadata
from alpha_sources.seed.documents.document import Image, Page, Sound
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.extras import needed
from alpha_sources.seed.documents.kinds import Kind
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.parts import Parts
from alpha_sources.seed.documents.pictures import as_image
from alpha_sources.seed.documents.signatures import media_format
from alpha_sources.seed.documents.source import Source

RATE = 16_000
_SAMPLE_BYTES = 2
_DAMAGED = "it is a damaged recording: convert it to WAV or MP4 anew"


def read_media(source: Source, limits: Limits) -> tuple[Kind, Parts]:
    """Return whether a recording is a sound or a film, and its pages: one for every part of the sound.

    A page holds its part of the sound, to be transcribed into its text, and the frames of those minutes.

    Raises
    ------
    DocumentError
        If it is damaged, too long, or PyAV is not installed.
    """
    av = needed("av", "a sound or a film")
    try:
        with source.path.open("rb") as file:
            # the format is given, and what is opened is a file object: a play list cannot make it open others
            name = media_format(source.data[:16])
            with _opened(av, file, name) as container:
                film = _film(container)
                sound = next(iter(container.streams.audio), None)
                if film is None and sound is None:
                    raise DocumentError("it is a recording without sound and pictures")
                claimed = (container.duration or 0) / 1_000_000
                limits.check("media_seconds", claimed, "seconds")
                said = {key.lower(): _readable(value) for key, value in container.metadata.items()}
                parts = _sound(av, container, sound, limits) if sound is not None else []
                seconds = max(claimed, parts[-1].start + parts[-1].seconds if parts else 0.0)
            frames: list[tuple[float, Image]] = []
            if film is not None:
                file.seek(0)
                with _opened(av, file, name) as container:
                    frames = _frames(container, seconds, limits)
    except DocumentError:
        raise
    except Exception:  # PyAV has an error for each of ffmpeg's, and others for codecs it lacks
        raise DocumentError(_DAMAGED) from None
    if not parts and not frames:
        raise DocumentError(_DAMAGED)
    dates = from_metadata((key, said.get(key)) for key in ("creation_time", "date"))
    notes = () if parts else ("it has no sound",)
    pages = _pages(parts, frames, seconds)
    kind = Kind.VIDEO if film is not None else Kind.AUDIO
    return kind, Parts(pages, one_line(said.get("title", "")), dates, notes=notes)


def _opened(av: Any, file: Any, name: str | None) -> Any:
    # before PyAV 19 a title that is no UTF-8 is an error unless it is told; since then nothing can be told
    told = {"metadata_errors": "surrogateescape"} if int(av.__version__.split(".")[0]) < 19 else {}
    return av.open(file, format=name, **told)


def _readable(text: str) -> str:
    """Return a text of a recording without the surrogates that stand for bytes that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _film(container: Any) -> Any:
    """Return the stream of moving pictures; the cover of a song is none."""
    for stream in container.streams.video:
        if "attached_pic" not in str(getattr(stream.disposition, "name", "")).lower():
            return stream
    return None


def _sound(av: Any, container: Any, stream: Any, limits: Limits) -> list[Sound]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    most = limits.part_seconds * RATE * _SAMPLE_BYTES
    parts: list[Sound] = []
    held = bytearray()

    def put(frames: Any) -> None:
        for frame in frames:
            held.extend(bytes(frame.planes[0])[: frame.samples * _SAMPLE_BYTES])
        while len(held) >= most:
            _cut(parts, bytes(held[:most]))
            del held[:most]
        heard = sum(part.seconds for part in parts) + len(held) / (RATE * _SAMPLE_BYTES)
        limits.check("media_seconds", heard, "seconds")

    try:
        for frame in container.decode(stream):
            frame.pts = None  # gaps in time stamps would be an error of the resampler
            put(resampler.resample(frame))
    except av.InvalidDataError:
        if not parts and not held:
            raise
        # what was heard up to the damage is kept
    put(resampler.resample(None))
    if held:
        _cut(parts, bytes(held))
    return parts


def _cut(parts: list[Sound], samples: bytes) -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(_SAMPLE_BYTES)
        writer.setframerate(RATE)
        writer.writeframes(samples)
    start = parts[-1].start + parts[-1].seconds if parts else 0.0
    parts.append(Sound(file.getvalue(), start, len(samples) / (RATE * _SAMPLE_BYTES)))


def _frames(container: Any, seconds: float, limits: Limits) -> list[tuple[float, Image]]:
    """Return frames at the middles of equal spans, each the first at or after its moment."""
    stream = _film(container)
    limits.check("pixels", stream.width * stream.height, "pixels in a frame")
    kept: list[tuple[float, Image]] = []
    last = -1.0
    for number in range(limits.frames):
        moment = seconds * (number + 0.5) / limits.frames
        container.seek(int(moment * 1_000_000), backward=True, any_frame=False)
        for frame in container.decode(stream):
            shown = frame.time or 0.0
            if shown >= moment or shown + 1.0 / float(stream.average_rate or 25) >= seconds:
                if shown > last:
                    kept.append((shown, as_image(frame.to_image(), f"frame at {_clock(shown)}", limits)))
                    last = shown
                break
    if not kept:
        container.seek(0)
        for frame in container.decode(stream):
            kept.append((0.0, as_image(frame.to_image(), "frame at 00:00", limits)))
            break
    return kept


def _pages(parts: list[Sound], frames: list[tuple[float, Image]], seconds: float) -> tuple[Page, ...]:
    if not parts:
        return (Page(1, "", tuple(image for _, image in frames), f"00:00-{_clock(seconds)}"),)
    pages = []
    for number, part in enumerate(parts, 1):
        end = part.start + part.seconds
        label = f"{_clock(part.start)}-{_clock(end)}"
        pages.append(Page(number, "", label=label, sound=part))
    for moment, image in frames:
        at = next((i for i, part in enumerate(parts) if moment < part.start + part.seconds), len(parts) - 1)
        pages[at] = replace(pages[at], images=(*pages[at].images, image))
    return tuple(pages)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"
