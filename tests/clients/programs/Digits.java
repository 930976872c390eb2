import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.example.digits.ClientException;
import org.example.digits.ClientOptions;
import org.example.digits.DigitsClient;

/** Asks a server for the logits of digits: {@code Digits URL IN OUT BATCH ENCODING}. Prints what each error is. */
public final class Digits {
    private static final int PIXELS = 16 * 16;

    private static <T extends ClientException> void expect(Class<T> kind, Runnable ask) {
        try {
            ask.run();
        } catch (ClientException error) {
            String known = kind.isInstance(error) ? kind.getSimpleName() : "not " + kind + " but " + error.getClass();
            System.out.println(known + ": " + error.getMessage());
            return;
        }
        System.out.println(kind + ": nothing was thrown");
    }

    public static void main(String[] arguments) throws Exception {
        FloatBuffer buffer = ByteBuffer.wrap(Files.readAllBytes(Path.of(arguments[1])))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer();
        float[] pixels = new float[buffer.remaining()];
        buffer.get(pixels);
        int batch = Integer.parseInt(arguments[3]);
        ClientOptions options = new ClientOptions()
                .encoding(arguments[4].equals("json") ? ClientOptions.Encoding.JSON : ClientOptions.Encoding.AUTO);
        DigitsClient client = new DigitsClient(arguments[0], options);
        System.out.println("live " + (client.live() ? 1 : 0) + ", ready " + (client.ready() ? 1 : 0));
        client.verify();

        try (OutputStream out = Files.newOutputStream(Path.of(arguments[2]))) {
            for (int start = 0; start < pixels.length; start += batch * PIXELS) {
                int end = Math.min(pixels.length, start + batch * PIXELS);
                DigitsClient.Image image =
                        new DigitsClient.Image((end - start) / PIXELS, Arrays.copyOfRange(pixels, start, end));
                DigitsClient.Logits logits =
                        client.infer(new DigitsClient.Request(image), "digits").logits();
                ByteBuffer bytes = ByteBuffer.allocate(4 * logits.values().length).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asFloatBuffer().put(logits.values());
                out.write(bytes.array());
                if (logits.at(0, 9) != logits.values()[9]) {
                    throw new AssertionError("at");
                }
            }
        }

        // One client, two threads.
        Thread[] threads = new Thread[2];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> {
                for (int j = 0; j < 5; j++) {
                    client.infer(new DigitsClient.Request(new DigitsClient.Image(1, new float[PIXELS])));
                }
            });
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }

        DigitsClient.Image blank = new DigitsClient.Image(1, new float[PIXELS]);
        expect(ClientException.InvalidTensor.class, () -> new DigitsClient.Image(2, new float[PIXELS]));
        expect(ClientException.Rejected.class, () -> {
            new DigitsClient(arguments[0], new ClientOptions().modelName("nobody")).verify();
        });
        expect(ClientException.Unreachable.class, () -> {
            new DigitsClient("http://127.0.0.1:1").infer(new DigitsClient.Request(blank));
        });
    }
}
