/* KafkaWriter.java - what Apache Kafka's own client writes, for kafka.test to read.
 *
 *   java -cp JARS KafkaWriter.java BOOTSTRAP write   topics with known records
 *   java -cp JARS KafkaWriter.java BOOTSTRAP open    a transaction that is never ended
 *
 * Records are numbered, and their timestamps are FIRST and a number, so that a
 * test can say what each topic holds:
 *
 *   none gzip snappy lz4 zstd   100 records, ten to a batch, of that codec; many segments
 *   parted                      90 records on 3 partitions, by number
 *   money                       ten that were committed, ten aborted, ten committed
 *   once                        100 records of an idempotent producer
 *   latest                      compacted: keys k0 to k9 ten times, and k0 to k4 deleted
 *   trimmed                     100 records, of which the first 40 were deleted */
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.StringSerializer;

public class KafkaWriter {
    static final long FIRST = 1700000000000L;
    static final String[] CODECS = { "none", "gzip", "snappy", "lz4", "zstd" };
    static String bootstrap;

    static KafkaProducer<String, String> producer(String... settings) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("enable.idempotence", "false");
        p.put("linger.ms", "60000"); /* batches end where flush() says */
        for (int i = 0; i < settings.length; i += 2)
            p.put(settings[i], settings[i + 1]);
        return new KafkaProducer<>(p, new StringSerializer(), new StringSerializer());
    }

    static void send(KafkaProducer<String, String> to, String topic, int partition, int number,
                     String key, String value) {
        var record = new ProducerRecord<>(topic, partition, FIRST + number, key, value);
        if (number % 2 == 0)
            record.headers().add(new RecordHeader("even", null)).add("n", ("" + number).getBytes());
        to.send(record);
    }

    static void sendMany(KafkaProducer<String, String> to, String topic, int count) {
        for (int i = 0; i < count; i++) {
            send(to, topic, 0, i, i % 3 == 0 ? null : "k" + i, "value " + i);
            if (i % 10 == 9)
                to.flush();
        }
    }

    static NewTopic topic(String name, int partitions, String... settings) {
        var all = new HashMap<String, String>();
        all.put("retention.ms", "-1"); /* the timestamps are of long ago */
        for (int i = 0; i < settings.length; i += 2)
            all.put(settings[i], settings[i + 1]);
        return new NewTopic(name, partitions, (short) 1).configs(all);
    }

    static void create(Admin admin) throws Exception {
        var topics = new ArrayList<NewTopic>();
        for (String codec : CODECS) /* timestamps are 1 ms apart: two batches a segment */
            topics.add(topic(codec, 1, "segment.ms", "15", "index.interval.bytes", "0"));
        topics.add(topic("parted", 3));
        topics.add(topic("money", 1));
        topics.add(topic("once", 1, "segment.ms", "35"));
        topics.add(topic("latest", 1, "cleanup.policy", "compact", "segment.ms", "15",
                         "min.cleanable.dirty.ratio", "0.01"));
        topics.add(topic("trimmed", 1));
        admin.createTopics(topics).all().get();
    }

    static void money() {
        try (var p = producer("enable.idempotence", "true", "transactional.id", "teller")) {
            p.initTransactions();
            for (int turn = 0; turn < 3; turn++) {
                p.beginTransaction();
                for (int i = 10 * turn; i < 10 * turn + 10; i++)
                    send(p, "money", 0, i, "k" + i, (turn == 1 ? "aborted " : "committed ") + i);
                p.flush();
                if (turn == 1)
                    p.abortTransaction();
                else
                    p.commitTransaction();
            }
        }
    }

    static void latest(KafkaProducer<String, String> p) {
        for (int i = 0; i < 105; i++) {
            send(p, "latest", 0, i, "k" + i % 10, i < 100 ? "value " + i : null);
            if (i % 10 == 9)
                p.flush();
        }
        p.flush();
        send(p, "latest", 0, 200, "last", "value"); /* all before it can be compacted */
        p.flush();
    }

    static void write() throws Exception {
        try (var admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            create(admin);
            for (String codec : CODECS)
                try (var p = producer("compression.type", codec)) {
                    sendMany(p, codec, 100);
                }
            try (var p = producer("enable.idempotence", "true")) {
                sendMany(p, "once", 100);
            }
            money();
            try (var p = producer()) {
                sendMany(p, "trimmed", 100);
                for (int i = 0; i < 90; i++)
                    send(p, "parted", i % 3, i, "k" + i, "value " + i);
                latest(p);
            }
            admin.deleteRecords(Map.of(new TopicPartition("trimmed", 0),
                                       RecordsToDelete.beforeOffset(40))).all().get();
        }
    }

    static void open() {
        var p = producer("enable.idempotence", "true", "transactional.id", "robber");
        p.initTransactions();
        p.beginTransaction();
        send(p, "money", 0, 90, "k90", "open 90");
        p.flush();
        Runtime.getRuntime().halt(0);
    }

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        if (args[1].equals("open"))
            open();
        else
            write();
    }
}
