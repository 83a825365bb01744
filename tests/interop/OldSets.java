/* OldSets.java - partitions as Kafka wrote them before 0.11: message sets v0, v1.
 *
 *   java -cp JARS OldSets.java DIR
 *
 * Makes DIR with the partitions vM-CODEC-0 (v0 knows neither lz4 as it became
 * nor zstd, v1 not zstd) of two segments, by the log layer of today's Kafka,
 * which still knows how.  Each has 60 records, ten to a set, "value N", with the
 * key "kN" if N is not a multiple of 3, and in v1 the timestamp FIRST + N. */
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.util.Properties;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.storage.internals.log.*;

public class OldSets {
    static final long FIRST = 1700000000000L;
    static final int SEGMENT = 30, SET = 10;

    static MemoryRecords set(byte magic, CompressionType codec, int from) {
        var builder = MemoryRecords.builder(ByteBuffer.allocate(4096), magic,
                                            Compression.of(codec).build(),
                                            TimestampType.CREATE_TIME, from);
        for (int i = from; i < from + SET; i++)
            builder.appendWithOffset(i, magic == 0 ? RecordBatch.NO_TIMESTAMP : FIRST + i,
                                     i % 3 == 0 ? null : ("k" + i).getBytes(),
                                     ("value " + i).getBytes());
        return builder.build();
    }

    static void segment(File dir, byte magic, CompressionType codec, int base) throws Exception {
        var settings = new Properties();
        settings.put("index.interval.bytes", "0");
        settings.put("segment.index.bytes", "4096");
        var segment = LogSegment.open(dir, base, new LogConfig(settings), Time.SYSTEM, 0, false);
        for (int from = base; from < base + SEGMENT; from += SET) {
            int last = from + SET - 1;
            long newest = magic == 0 ? RecordBatch.NO_TIMESTAMP : FIRST + last;
            segment.append(last, newest, last, set(magic, codec, from));
        }
        segment.onBecomeInactiveSegment();
        segment.close();
    }

    static void partition(String root, byte magic, CompressionType codec) throws Exception {
        File dir = new File(root, "v" + magic + "-" + codec.name + "-0");
        dir.mkdirs();
        for (int base = 0; base < 2 * SEGMENT; base += SEGMENT)
            segment(dir, magic, codec, base);
    }

    public static void main(String[] args) throws Exception {
        for (byte magic = 0; magic < 2; magic++)
            for (var codec : CompressionType.values())
                if (codec != CompressionType.ZSTD && (magic > 0 || codec != CompressionType.LZ4))
                    partition(args[0], magic, codec);
        Files.writeString(Path.of(args[0], "meta.properties"),
                          "version=0\nbroker.id=0\ncluster.id=old\n");
    }
}
