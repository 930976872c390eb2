import echo.ClientException;
import echo.ClientOptions;
import echo.EchoClient;
import java.time.Duration;

/** Asks servers that misbehave: {@code Errors URL… verify:URL…}. Prints, for each, what is thrown. */
public final class Errors {
    public static void main(String[] arguments) {
        for (String url : arguments) {
            ClientOptions options = new ClientOptions()
                    .encoding(ClientOptions.Encoding.BINARY)
                    .timeout(Duration.ofMillis(700));
            boolean verify = url.startsWith("verify:");
            EchoClient client = new EchoClient(verify ? url.substring(7) : url, options);
            try {
                if (verify) {
                    client.verify();
                } else {
                    client.infer(new EchoClient.Request(new EchoClient.X(2, new float[2])));
                }
                System.out.println("nothing");
            } catch (ClientException.ServerError error) {
                String after = error.retryAfter().map(wait -> " " + wait.toMillis()).orElse("");
                System.out.println(error.getClass().getSimpleName() + " " + error.status() + after + " "
                        + error.serverMessage());
            } catch (ClientException.UnexpectedAnswer error) {
                System.out.println("UnexpectedAnswer " + error.getMessage());
            } catch (ClientException.ModelMismatch error) {
                System.out.println("ModelMismatch " + error.getMessage());
            } catch (ClientException error) {
                System.out.println(error.getClass().getSimpleName());
            }
        }
        System.exit(0);
    }
}
