/* KafkaGroups.java - groups of Apache Kafka's own client, for our tools to read.
 *
 *   java -cp JARS KafkaGroups.java BOOTSTRAP
 *
 *   orders      2 partitions, 20 records each
 *   classic     a classic group that has left: orders-0 at 7 "halfway", orders-1 at 20
 *   modern      a consumer group (KIP-848) that has left: orders-0 at 5, orders-1 at 6
 *   simple      positions that an administrator set: orders-1 at 3
 *   exact       orders-0 at 11, in a transaction; 15 and orders-1 at 9 in one that was aborted
 *   forgotten   a group that was deleted */
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

public class KafkaGroups {
    static final TopicPartition FIRST = new TopicPartition("orders", 0);
    static final TopicPartition SECOND = new TopicPartition("orders", 1);
    static String bootstrap;

    static void produce(Admin admin) throws Exception {
        admin.createTopics(List.of(new NewTopic("orders", 2, (short) 1))).all().get();
        var p = Map.<String, Object>of("bootstrap.servers", bootstrap);
        try (var to = new KafkaProducer<>(p, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < 40; i++)
                to.send(new ProducerRecord<>("orders", i % 2, "k" + i, "value " + i));
        }
    }

    /* Join, and commit when both partitions are assigned. */
    static void commit(String group, String protocol, OffsetAndMetadata first,
                       OffsetAndMetadata second) {
        var p = Map.<String, Object>of("bootstrap.servers", bootstrap, "group.id", group,
                                       "group.protocol", protocol, "enable.auto.commit", "false",
                                       "auto.offset.reset", "earliest");
        try (var c = new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer())) {
            c.subscribe(List.of("orders"));
            while (c.assignment().size() < 2)
                c.poll(Duration.ofMillis(50));
            c.commitSync(Map.of(FIRST, first, SECOND, second));
        }
    }

    static OffsetAndMetadata at(long offset) { return new OffsetAndMetadata(offset); }

    static void exact() {
        var p = Map.<String, Object>of("bootstrap.servers", bootstrap, "transactional.id", "exact");
        try (var to = new KafkaProducer<>(p, new StringSerializer(), new StringSerializer())) {
            to.initTransactions();
            to.beginTransaction();
            to.sendOffsetsToTransaction(Map.of(FIRST, at(11)), new ConsumerGroupMetadata("exact"));
            to.commitTransaction();
            to.beginTransaction();
            to.sendOffsetsToTransaction(Map.of(FIRST, at(15), SECOND, at(9)),
                                        new ConsumerGroupMetadata("exact"));
            to.abortTransaction();
        }
    }

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        try (var admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            produce(admin);
            commit("classic", "classic", new OffsetAndMetadata(7, Optional.of(0), "halfway"), at(20));
            commit("modern", "consumer", at(5), at(6));
            commit("forgotten", "classic", at(1), at(2));
            admin.deleteConsumerGroups(List.of("forgotten")).all().get();
            admin.alterConsumerGroupOffsets("simple", Map.of(SECOND, at(3))).all().get();
            exact();
        }
    }
}
