// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/tags.h"

#include <aifffile.h>
#include <apetag.h>
#include <flacfile.h>
#include <flacproperties.h>
#include <id3v1tag.h>
#include <id3v2framefactory.h>
#include <id3v2tag.h>
#include <infotag.h>
#include <mp4file.h>
#include <mpegfile.h>
#include <new>
#include <oggflacfile.h>
#include <opusfile.h>
#include <synchronizedlyricsframe.h>
#include <textidentificationframe.h>
#include <tpropertymap.h>
#include <unsynchronizedlyricsframe.h>
#include <vorbisfile.h>
#include <wavfile.h>
#include <wavpackfile.h>
#include <xiphcomment.h>

using namespace TagLib;

namespace
{

/* A read-only TagLib stream over the caller's read function.  One block is at most as large as what
 * is left of the file, and never over MAX_BLOCK: sizes in tags are claims. */
class InputStream : public IOStream
{
  public:
    explicit InputStream(const tags_input &input) : input_(input), at_(0) {}
    FileName name() const override { return ""; }
    ByteVector readBlock(unsigned long length) override
    {
        const unsigned long left = at_ < size() ? size() - at_ : 0;
        length = length < left ? length : left;
        if (!length || length > MAX_BLOCK)
            return ByteVector();
        ByteVector block(static_cast<unsigned int>(length));
        const size_t got = input_.read(input_.context, at_, block.data(), length);
        block.resize(static_cast<unsigned int>(got));
        at_ += got;
        return block;
    }
    void writeBlock(const ByteVector &) override {}
    void insert(const ByteVector &, unsigned long, unsigned long) override {}
    void removeBlock(unsigned long, unsigned long) override {}
    bool readOnly() const override { return true; }
    bool isOpen() const override { return true; }
    void seek(long offset, Position from) override
    {
        const long base = from == Current ? static_cast<long>(at_)
                          : from == End   ? static_cast<long>(size())
                                          : 0;
        at_ = base + offset < 0 ? 0 : static_cast<unsigned long>(base + offset);
    }
    void clear() override {}
    long tell() const override { return static_cast<long>(at_); }
    long length() override { return static_cast<long>(size()); }
    void truncate(long) override {}

  private:
    static const unsigned long MAX_BLOCK = 64UL * 1024 * 1024;
    unsigned long size() const { return static_cast<unsigned long>(input_.size); }
    const tags_input &input_;
    unsigned long at_;
};

/* Bytes that claim to be Latin-1, in the three places where TagLib asks. */
class ByteDecoder : public ID3v2::Latin1StringHandler,
                    public ID3v1::StringHandler,
                    public RIFF::Info::StringHandler
{
  public:
    explicit ByteDecoder(const tags_sink &sink) : sink_(sink)
    {
        ID3v2::Tag::setLatin1StringHandler(this);
        ID3v1::Tag::setStringHandler(this);
        RIFF::Info::Tag::setStringHandler(this);
    }
    ~ByteDecoder() override
    {
        ID3v2::Tag::setLatin1StringHandler(nullptr);
        ID3v1::Tag::setStringHandler(nullptr);
        RIFF::Info::Tag::setStringHandler(nullptr);
    }
    ByteDecoder(const ByteDecoder &) = delete;
    ByteDecoder &operator=(const ByteDecoder &) = delete;
    String parse(const ByteVector &bytes) const override
    {
        size_t size = 0;
        const char *utf8 = sink_.decode_bytes(sink_.context, bytes.data(), bytes.size(), &size);
        return String(ByteVector(utf8, static_cast<unsigned int>(size)), String::UTF8);
    }
    ByteVector render(const String &) const override { return ByteVector(); }

  private:
    const tags_sink &sink_;
};

void tell(const tags_sink &sink, const String &name, const String &value)
{
    const std::string utf8_name = name.to8Bit(true), utf8 = value.to8Bit(true);
    sink.add(sink.context, utf8_name.c_str(), utf8.data(), utf8.size());
}

void tell_all(const tags_sink &sink, const PropertyMap &properties)
{
    for (const auto &[name, values] : properties)
        for (const auto &value : values)
            tell(sink, name, value);
}

/* --- ID3v2 --- */

std::string language_of(const ByteVector &language)
{
    return std::string(language.data(), language.size());
}

void tell_lyrics(const tags_sink &sink, const ID3v2::UnsynchronizedLyricsFrame &frame)
{
    const std::string text = frame.text().to8Bit(true);
    sink.lyrics(sink.context, language_of(frame.language()).c_str(), text.data(), text.size());
}

void tell_timed_lyrics(const tags_sink &sink, const ID3v2::SynchronizedLyricsFrame &frame)
{
    if (frame.timestampFormat() != ID3v2::SynchronizedLyricsFrame::AbsoluteMilliseconds ||
        (frame.type() != ID3v2::SynchronizedLyricsFrame::Lyrics &&
         frame.type() != ID3v2::SynchronizedLyricsFrame::TextTranscription))
        return;
    for (const auto &line : frame.synchedText()) {
        const std::string text = line.text.to8Bit(true);
        sink.timed_line(sink.context, line.time, text.data(), text.size());
    }
    sink.timed_end(sink.context, language_of(frame.language()).c_str());
}

/* Pairs of (what for, who): TIPL, which TagLib's properties drop unless its words are in capitals.
 */
void tell_people(const tags_sink &sink, const ID3v2::TextIdentificationFrame &frame)
{
    static const char *const roles[][2] = {{"ARRANGER", "ARRANGER"}, {"ENGINEER", "ENGINEER"},
                                           {"PRODUCER", "PRODUCER"}, {"DJ-MIX", "DJMIXER"},
                                           {"MIX", "MIXER"},         {"MIXER", "MIXER"}};
    const StringList pairs = frame.fieldList();
    for (unsigned int i = 0; i + 1 < pairs.size(); i += 2)
        for (const auto &role : roles)
            if (pairs[i].upper() == role[0])
                tell(sink, role[1], pairs[i + 1]);
}

/* Text frames that TagLib 1.13's properties leave out. */
void tell_unlisted(const tags_sink &sink, const ID3v2::Tag &tag)
{
    for (const auto *frame : tag.frameList("TIPL"))
        if (const auto *people = dynamic_cast<const ID3v2::TextIdentificationFrame *>(frame))
            tell_people(sink, *people);
    for (const auto *frame : tag.frameList("TSST"))
        tell(sink, "DISCSUBTITLE", frame->toString());
}

void tell_id3v2(const tags_sink &sink, const ID3v2::Tag *tag)
{
    if (!tag || tag->isEmpty())
        return;
    PropertyMap properties = tag->properties();
    properties.erase("LYRICS"); /* told below, with their language */
    tell_all(sink, properties);
    tell_unlisted(sink, *tag);
    for (const auto *frame : tag->frameList("SYLT"))
        if (const auto *timed = dynamic_cast<const ID3v2::SynchronizedLyricsFrame *>(frame))
            tell_timed_lyrics(sink, *timed);
    for (const auto *frame : tag->frameList("USLT"))
        if (const auto *lyrics = dynamic_cast<const ID3v2::UnsynchronizedLyricsFrame *>(frame))
            tell_lyrics(sink, *lyrics);
    sink.next_layer(sink.context);
}

template <class AnyTag> void tell_tag(const tags_sink &sink, const AnyTag *tag)
{
    if (!tag || tag->isEmpty())
        return;
    tell_all(sink, tag->properties());
    sink.next_layer(sink.context);
}

/* Xiph comments are told by their own names and in file order within a name. */
void tell_xiph(const tags_sink &sink, const Ogg::XiphComment *tag)
{
    if (!tag)
        return;
    for (const auto &[name, values] : tag->fieldListMap())
        for (const auto &value : values)
            tell(sink, name, value);
    sink.next_layer(sink.context);
}

/* --- MP4: beside the properties, freeform names that TagLib does not list, and iTunes' advisory
 * --- */

void tell_freeform(const tags_sink &sink, const String &atom, const MP4::Item &item)
{
    const int colon = atom.rfind(":");
    if (colon < 0)
        return;
    const String name = atom.substr(static_cast<unsigned int>(colon) + 1).upper();
    for (const auto &value : item.toStringList())
        tell(sink, name, value);
}

void tell_mp4(const tags_sink &sink, const MP4::Tag *tag)
{
    if (!tag)
        return;
    const PropertyMap known = tag->properties();
    tell_all(sink, known);
    for (const auto &[atom, item] : tag->itemMap()) {
        if (atom.startsWith("----:"))
            tell_freeform(sink, atom, item);
        else if (atom == "rtng")
            tell(sink, "ITUNESADVISORY", String::number(item.toByte()));
        else if (atom == "\251mvi")
            tell(sink, "MOVEMENTNUMBER", String::number(item.toInt()));
    }
}

/* --- per format --- */

void tell_properties(const AudioProperties *from, tags_properties *to)
{
    if (!from)
        return;
    to->duration_ms = static_cast<uint32_t>(from->lengthInMilliseconds());
    to->sample_rate = static_cast<uint32_t>(from->sampleRate());
    to->channels = static_cast<uint32_t>(from->channels());
    to->bitrate_kbps = static_cast<uint32_t>(from->bitrate());
}

template <class AnyFile> bool finish(const AnyFile &file, tags_properties *properties)
{
    tell_properties(file.audioProperties(), properties);
    return file.isValid();
}

template <class AnyFile> bool finish_with_depth(const AnyFile &file, tags_properties *properties)
{
    if (file.audioProperties())
        properties->bit_depth = static_cast<uint32_t>(file.audioProperties()->bitsPerSample());
    return finish(file, properties);
}

bool read_mpeg(InputStream &stream, const tags_sink &sink, tags_properties *properties)
{
    MPEG::File file(&stream, ID3v2::FrameFactory::instance());
    tell_id3v2(sink, file.ID3v2Tag());
    tell_tag(sink, file.APETag());
    tell_tag(sink, file.ID3v1Tag());
    return finish(file, properties);
}

bool read_flac(InputStream &stream, const tags_sink &sink, tags_properties *properties)
{
    FLAC::File file(&stream, ID3v2::FrameFactory::instance());
    if (file.hasXiphComment())
        tell_xiph(sink, file.xiphComment());
    tell_id3v2(sink, file.ID3v2Tag());
    tell_tag(sink, file.ID3v1Tag());
    return finish_with_depth(file, properties);
}

template <class OggFile>
bool read_ogg(InputStream &stream, const tags_sink &sink, tags_properties *properties)
{
    OggFile file(&stream);
    tell_xiph(sink, file.isValid() ? file.tag() : nullptr);
    return finish(file, properties);
}

bool read_ogg_flac(InputStream &stream, const tags_sink &sink, tags_properties *properties)
{
    Ogg::FLAC::File file(&stream);
    tell_xiph(sink, file.isValid() ? file.tag() : nullptr);
    return finish_with_depth(file, properties);
}

bool read_mp4(InputStream &stream, const tags_sink &sink, tags_properties *properties)
{
    MP4::File file(&stream);
    tell_mp4(sink, file.tag());
    const bool is_valid = finish_with_depth(file, properties);
    if (file.audioProperties() && file.audioProperties()->codec() == MP4::Properties::AAC)
        properties->bit_depth = 0; /* the box says 16; it means nothing */
    return is_valid;
}

bool read_wav(InputStream &stream, const tags_sink &sink, tags_properties *properties)
{
    RIFF::WAV::File file(&stream);
    if (file.hasID3v2Tag())
        tell_id3v2(sink, file.ID3v2Tag());
    if (file.hasInfoTag())
        tell_tag(sink, file.InfoTag());
    return finish_with_depth(file, properties);
}

bool read_aiff(InputStream &stream, const tags_sink &sink, tags_properties *properties)
{
    RIFF::AIFF::File file(&stream);
    tell_id3v2(sink, file.tag());
    return finish_with_depth(file, properties);
}

bool read_wavpack(InputStream &stream, const tags_sink &sink, tags_properties *properties)
{
    WavPack::File file(&stream);
    tell_tag(sink, file.APETag());
    tell_tag(sink, file.ID3v1Tag());
    return finish_with_depth(file, properties);
}

bool read_format(tags_format format, InputStream &stream, const tags_sink &sink,
                 tags_properties *properties)
{
    switch (format) {
    case TAGS_MPEG:
        return read_mpeg(stream, sink, properties);
    case TAGS_FLAC:
        return read_flac(stream, sink, properties);
    case TAGS_VORBIS:
        return read_ogg<Ogg::Vorbis::File>(stream, sink, properties);
    case TAGS_OPUS:
        return read_ogg<Ogg::Opus::File>(stream, sink, properties);
    case TAGS_OGG_FLAC:
        return read_ogg_flac(stream, sink, properties);
    case TAGS_MP4:
        return read_mp4(stream, sink, properties);
    case TAGS_WAV:
        return read_wav(stream, sink, properties);
    case TAGS_AIFF:
        return read_aiff(stream, sink, properties);
    case TAGS_WAVPACK:
        return read_wavpack(stream, sink, properties);
    }
    return false;
}

} // namespace

enum tags_result tags_read(enum tags_format format, const struct tags_input *input,
                           const struct tags_sink *sink, struct tags_properties *ret_properties)
{
    try {
        InputStream stream(*input);
        const ByteDecoder decoder(*sink);
        *ret_properties = {};
        return read_format(format, stream, *sink, ret_properties) ? TAGS_READ : TAGS_INVALID;
    } catch (const std::bad_alloc &) {
        return TAGS_NO_MEMORY;
    } catch (...) {
        return TAGS_INVALID;
    }
}
