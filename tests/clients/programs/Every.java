import every.ClientException;
import every.ClientOptions;
import every.EveryClient;
import java.util.Arrays;

/** Sends the ends of every type's range, and expects them back: {@code Every URL ENCODING}. */
public final class Every {
    private static void same(String name, boolean same) {
        if (!same) {
            throw new AssertionError(name + " is not what was sent");
        }
    }

    public static void main(String[] arguments) {
        ClientOptions options = new ClientOptions()
                .encoding(arguments[1].equals("json") ? ClientOptions.Encoding.JSON : ClientOptions.Encoding.BINARY);
        EveryClient client = new EveryClient(arguments[0], options);
        client.verify();
        float[] floats = {1.5f, -0.0f, Float.MAX_VALUE, Float.MIN_VALUE};
        long[] longs = {Long.MIN_VALUE, Long.MAX_VALUE};
        boolean[] bits = {false, true};
        String[] words = {"\u00e9 \"\\\n", ""};
        byte[] bytes = {0, 1, 127, (byte) 128, (byte) 200, (byte) 254, (byte) 255, 3};
        byte[] signed = {Byte.MIN_VALUE, Byte.MAX_VALUE};
        short[] shorts = {Short.MIN_VALUE, Short.MAX_VALUE};
        int[] ints = {Integer.MIN_VALUE, Integer.MAX_VALUE};
        short[] unsignedShorts = {0, (short) 65535};
        int[] unsignedInts = {0, -1};
        long[] huge = {-1};
        double[] doubles = {1e300, -1e-300, 0.1, 3};
        EveryClient.Response response = client.infer(request(
                floats, longs, bits, words, bytes, signed, shorts, ints, unsignedShorts, unsignedInts, huge, doubles));
        same("class", Arrays.equals(floats, response.class_().values()));
        same("input.1", Arrays.equals(longs, response.output1().values()));
        same("input_1", Arrays.equals(bits, response.output1_2().values()));
        same("words:0", Arrays.equals(words, response.aQuotedName().values()));
        same("bytes", Arrays.equals(bytes, response.bytes().values()));
        same("signed", Arrays.equals(signed, response.tuple().values()));
        same("short", Arrays.equals(shorts, response.tensor2Nd().values()));
        same("int", Arrays.equals(ints, response.tensor().values()));
        same("ushort", Arrays.equals(unsignedShorts, response.u().values()));
        same("uint", Arrays.equals(unsignedInts, response.u_2().values()));
        same("huge", Arrays.equals(huge, response.self().values()));
        same("sum", Arrays.equals(doubles, response.request().values()));
        same("the shape", Arrays.equals(new long[] {2, 2}, response.request().shape()));

        // Two tensors that name one dimension agree on it.
        try {
            client.infer(request(
                    floats,
                    longs,
                    bits,
                    words,
                    new byte[12],
                    signed,
                    shorts,
                    ints,
                    unsignedShorts,
                    unsignedInts,
                    huge,
                    doubles));
            throw new AssertionError("another batch was sent");
        } catch (ClientException.InvalidTensor error) {
            System.out.println(error.getMessage());
        }
    }

    private static EveryClient.Request request(
            float[] floats,
            long[] longs,
            boolean[] bits,
            String[] words,
            byte[] bytes,
            byte[] signed,
            short[] shorts,
            int[] ints,
            short[] unsignedShorts,
            int[] unsignedInts,
            long[] huge,
            double[] doubles) {
        return new EveryClient.Request(
                new EveryClient.Class(2, floats),
                new EveryClient.Input1(2, 1, longs),
                new EveryClient.Input12(2, bits),
                new EveryClient.Words0(2, words),
                new EveryClient.Bytes(bytes.length / 4, bytes),
                new EveryClient.Signed(signed),
                new EveryClient.Short(shorts),
                new EveryClient.Int(ints),
                new EveryClient.Ushort(unsignedShorts),
                new EveryClient.Uint(unsignedInts),
                new EveryClient.Huge(huge),
                new EveryClient.Sum(2, 2, doubles));
    }
}
