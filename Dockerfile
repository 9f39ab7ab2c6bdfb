# The README's two commands in a clean image:
#   docker build -t paretobench .
#   docker run --rm -v "$PWD/results:/work/results" -v "$PWD/reports:/work/reports" paretobench
#   docker run --rm paretobench make test
# A container shares its machine: time on the host itself where you can.
FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --no-install-recommends -y make git g++ libgomp1 openssh-client \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /work
COPY . .
RUN make .venv/.dev-cpu
CMD ["make", "sweep"]
