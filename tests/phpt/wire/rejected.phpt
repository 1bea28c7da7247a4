--TEST--
A rejection has its reason, leaves the connection open, and a batch's names the message
--EXTENSIONS--
fanfare
--FILE--
<?php
require __DIR__ . '/fake.inc';
$fake = new Fake('
    $c = accept();
    hello($c);
    foreach (["unknown_app", "app_disabled", "unauthorized", "forbidden", "invalid_channel", "invalid_event", "invalid_payload",
        "too_large", "rate_limited", "draining", "internal", "other", "from_the_future", ""] as $reason) {
        error($c, frame($c)[1], $reason, "because of $reason");
    }
    error($c, frame($c)[1], "invalid_channel", "", 1);
    error($c, frame($c)[1], "internal", "line\nbreak\x1b[31m \xff");
    ack($c, frame($c));
');
$client = $fake->client();
for ($i = 0; $i < 14; $i++) {
    fails(fn () => $client->publish('a', 'e'));
}
fails(fn () => $client->publishMany([new Fanfare\Message('a', 'e'), new Fanfare\Message('b', 'e')]));
fails(fn () => $client->ping());
receipt($client->publish('a', 'e'));
echo $fake->finish();
?>
--EXPECT--
Fanfare\RejectedException UnknownApp: fanfared rejected it: because of unknown_app
Fanfare\RejectedException AppDisabled: fanfared rejected it: because of app_disabled
Fanfare\RejectedException Unauthorized: fanfared rejected it: because of unauthorized
Fanfare\RejectedException Forbidden: fanfared rejected it: because of forbidden
Fanfare\RejectedException InvalidChannel: fanfared rejected it: because of invalid_channel
Fanfare\RejectedException InvalidEvent: fanfared rejected it: because of invalid_event
Fanfare\RejectedException InvalidPayload: fanfared rejected it: because of invalid_payload
Fanfare\RejectedException TooLarge: fanfared rejected it: because of too_large
Fanfare\RejectedException Other: fanfared rejected it: because of rate_limited
Fanfare\RejectedException Draining: fanfared rejected it: because of draining
Fanfare\RejectedException Internal: fanfared rejected it: because of internal
Fanfare\RejectedException Other: fanfared rejected it: because of other
Fanfare\RejectedException Other: fanfared rejected it: because of from_the_future
Fanfare\RejectedException Other: fanfared rejected it: because of 
Fanfare\RejectedException InvalidChannel #1: fanfared rejected message 1 of the batch: invalid_channel
Fanfare\RejectedException Internal: fanfared rejected it: line?break?[31m ?
receipt id-17 0
