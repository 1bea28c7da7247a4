# PHP with the extension, of Debian's kind of the official images. An application's own image begins with it, or repeats
# its two steps. Built from the root of the repository:
#   docker build -f packaging/docker/php.Dockerfile -t fanfare-php .

FROM php:8.2-cli-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends libmsgpack-dev && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN cd /src && phpize && ./configure && make && make install && docker-php-ext-enable fanfare && rm -rf /src
USER www-data
